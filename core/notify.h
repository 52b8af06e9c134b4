/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Tells the service manager (sd_notify(3) protocol), if there is one: "READY=1". */
void notify(const char *state);
