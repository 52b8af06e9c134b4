/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* TEXT as a value in a search filter (RFC 4515, 3), so that it is nothing but a value; free().
 * NULL: no memory. */
char *ldap_filter_value(const char *text);
/* TEXT as the value of an attribute in a distinguished name (RFC 4514, 2.4). */
char *ldap_name_value(const char *text);
