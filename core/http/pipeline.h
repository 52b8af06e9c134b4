/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PIPELINE_H
#define PIPELINE_H

struct ein_req;

/* The data path of every request: from the parsed head to a finished reply, or to a stream that
 * has been sent. */
void pipeline_run(struct ein_req *req);

#endif
