/* SPDX-License-Identifier: Apache-2.0 */
#include "egress.h"
#include "unit.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

union address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

static union address address_of(const char *text, uint16_t port)
{
    union address address;

    memset(&address, 0, sizeof address);
    if (inet_pton(AF_INET, text, &address.in.sin_addr) == 1) {
        address.in.sin_family = AF_INET;
        address.in.sin_port = htons(port);
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &address.in6.sin6_addr), 1);
        address.in6.sin6_family = AF_INET6;
        address.in6.sin6_port = htons(port);
    }
    return address;
}

static const struct {
    const char *address, *why; /* part of the reason; NULL: public */
} table[] = {
    { "8.8.8.8", NULL },
    { "1.1.1.1", NULL },
    { "93.184.216.34", NULL },
    { "9.255.255.255", NULL },
    { "11.0.0.0", NULL },
    { "100.63.255.255", NULL },
    { "100.128.0.0", NULL },
    { "126.255.255.255", NULL },
    { "128.0.0.1", NULL },
    { "169.253.255.255", NULL },
    { "169.255.0.0", NULL },
    { "172.15.255.255", NULL },
    { "172.32.0.0", NULL },
    { "192.167.255.255", NULL },
    { "192.169.0.0", NULL },
    { "198.17.255.255", NULL },
    { "198.20.0.0", NULL },
    { "223.255.255.255", NULL },
    { "2001:4860:4860::8888", NULL },
    { "2606:4700:4700::1111", NULL },
    { "::ffff:8.8.8.8", NULL },
    { "64:ff9b::808:808", NULL },
    { "0.0.0.0", "unspecified" },
    { "0.1.2.3", "this network" },
    { "10.0.0.0", "private" },
    { "10.255.255.255", "private" },
    { "100.64.0.0", "carrier-grade NAT" },
    { "100.127.255.255", "carrier-grade NAT" },
    { "127.0.0.1", "loopback" },
    { "127.255.255.254", "loopback" },
    { "169.254.0.1", "link-local" },
    { "169.254.169.254", "link-local" },
    { "172.16.0.0", "private" },
    { "172.31.255.255", "private" },
    { "192.0.0.8", "protocol assignment" },
    { "192.0.2.1", "documentation" },
    { "192.88.99.1", "6to4" },
    { "192.168.0.0", "private" },
    { "192.168.255.255", "private" },
    { "198.18.0.0", "benchmarking" },
    { "198.19.255.255", "benchmarking" },
    { "198.51.100.7", "documentation" },
    { "203.0.113.7", "documentation" },
    { "224.0.0.1", "multicast" },
    { "239.255.255.255", "multicast" },
    { "240.0.0.1", "reserved" },
    { "255.255.255.255", "broadcast" },
    { "::", "unspecified" },
    { "::1", "loopback" },
    { "::7f00:1", "not a global" },
    { "::ffff:127.0.0.1", "loopback" },
    { "::ffff:169.254.169.254", "link-local" },
    { "::ffff:10.1.2.3", "private" },
    { "64:ff9b::a00:1", "private" },
    { "64:ff9b::7f00:1", "loopback" },
    { "64:ff9b:1::a00:1", "NAT64" },
    { "100::1", "not a global" },
    { "2001::1", "Teredo" },
    { "2001:2::1", "benchmarking" },
    { "2001:10::1", "protocol assignment" },
    { "2001:db8::1", "documentation" },
    { "2002:a00:1::", "6to4" },
    { "2002:808:808::", "6to4" },
    { "3fff::1", "documentation" },
    { "5f00::1", "not a global" },
    { "fc00::1", "unique local" },
    { "fd12:3456::1", "unique local" },
    { "fe80::1", "link-local" },
    { "febf::1", "link-local" },
    { "fec0::1", "site-local" },
    { "ff02::1", "multicast" },
};

static struct egress *make_with(const char *allow, const char *ports, const char *host,
                                uint16_t port)
{
    json_t *section = json_pack("{s:o, s:o}", "allow", json_loads(allow, 0, NULL), "ports",
                                json_loads(ports, 0, NULL));
    struct egress *egress = NULL;
    struct ein_error err = { 0 };

    assert_non_null(section);
    if (egress_new(section, host, port, &egress, &err) < 0)
        fail_msg("%s", err.text);
    json_decref(section);
    return egress;
}

static struct egress *make(const char *allow, const char *host, uint16_t port)
{
    return make_with(allow, "[]", host, port);
}

static void every_address_is_judged_as_the_registries_say(void **state)
{
    struct egress *egress = make("[]", NULL, 0);

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        union address address = address_of(table[i].address, 80);
        struct ein_error err = { 0 };
        int r = egress_check(egress, &address.any, false, &err);

        if (table[i].why ? r != EIN_E_DENIED || !strstr(err.text, table[i].why) : r != 0)
            fail_msg("%s: %s", table[i].address, r < 0 ? err.text : "public");
    }
    egress_free(egress);
}

static int check(const struct egress *egress, const char *text, uint16_t port,
                 struct ein_error *err)
{
    union address address = address_of(text, port);

    return egress_check(egress, &address.any, false, err);
}

static void a_refusal_names_address_reason_and_setting(void **state)
{
    struct egress *egress = make("[]", NULL, 0);
    struct ein_error err = { 0 };

    assert_int_equal(check(egress, "169.254.169.254", 80, &err), EIN_E_DENIED);
    assert_int_equal(err.code, EIN_E_DENIED);
    assert_non_null(strstr(err.text, "169.254.169.254"));
    assert_non_null(strstr(err.text, "link-local"));
    assert_non_null(strstr(err.text, "egress.allow"));
    assert_int_equal(check(egress, "9.9.9.9", 80, &err), 0);
    egress_free(egress);
}

static void only_named_ports_are_reached_but_where_all_is_allowed(void **state)
{
    struct egress *egress = make_with("[\"10.1.0.0/16\"]", "[80, 443]", NULL, 0);
    union address address = address_of("9.9.9.9", 25);
    struct ein_error err = { 0 };

    assert_int_equal(check(egress, "9.9.9.9", 443, &err), 0);
    assert_int_equal(check(egress, "9.9.9.9", 25, &err), EIN_E_DENIED);
    assert_string_equal(err.text, "port 25 is none of egress.ports");
    assert_int_equal(check(egress, "10.1.2.3", 25, &err), 0);
    assert_int_equal(egress_check(egress, &address.any, true, &err), 0);
    egress_free(egress);
}

static void the_operator_opens_networks_and_addresses_and_no_more(void **state)
{
    struct egress *egress = make("[\"10.1.0.0/17\", \"192.168.7.9\", \"fd00:1::/32\"]", NULL, 0);

    assert_int_equal(check(egress, "10.1.0.1", 80, NULL), 0);
    assert_int_equal(check(egress, "10.1.127.255", 80, NULL), 0);
    assert_int_equal(check(egress, "::ffff:10.1.0.1", 80, NULL), 0);
    assert_int_equal(check(egress, "10.1.128.0", 80, NULL), EIN_E_DENIED);
    assert_int_equal(check(egress, "10.2.0.1", 80, NULL), EIN_E_DENIED);
    assert_int_equal(check(egress, "192.168.7.9", 80, NULL), 0);
    assert_int_equal(check(egress, "192.168.7.8", 80, NULL), EIN_E_DENIED);
    assert_int_equal(check(egress, "fd00:1::5", 80, NULL), 0);
    assert_int_equal(check(egress, "fd00:2::5", 80, NULL), EIN_E_DENIED);
    egress_free(egress);
}

static void the_operator_opens_hosts_by_name_and_suffix(void **state)
{
    struct egress *egress = make("[\"wiki.example\", \".corp.example\"]", NULL, 0);
    union address address = address_of("10.0.0.1", 80);

    assert_true(egress_allows_host(egress, "wiki.example"));
    assert_true(egress_allows_host(egress, "WIKI.example"));
    assert_false(egress_allows_host(egress, "a.wiki.example"));
    assert_true(egress_allows_host(egress, "a.corp.example"));
    assert_false(egress_allows_host(egress, "corp.example"));
    assert_false(egress_allows_host(egress, "evilcorp.example"));
    assert_int_equal(egress_check(egress, &address.any, true, NULL), 0);
    egress_free(egress);
}

static void the_server_itself_is_refused_even_where_its_network_is_open(void **state)
{
    struct egress *egress = make("[\"127.0.0.0/8\"]", "127.0.0.1", 8000);
    struct ein_error err = { 0 };

    assert_int_equal(check(egress, "127.0.0.1", 8000, &err), EIN_E_DENIED);
    assert_non_null(strstr(err.text, "this server itself"));
    assert_int_equal(check(egress, "127.0.0.1", 8001, NULL), 0);
    assert_int_equal(check(egress, "::ffff:127.0.0.1", 8000, NULL), EIN_E_DENIED);
    egress_free(egress);

    egress = make("[\"127.0.0.0/8\", \"0.0.0.0/8\"]", "0.0.0.0", 8000);
    assert_int_equal(check(egress, "127.0.0.1", 8000, NULL), EIN_E_DENIED);
    assert_int_equal(check(egress, "0.0.0.0", 8000, NULL), EIN_E_DENIED);
    assert_int_equal(check(egress, "127.0.0.2", 8000, NULL), EIN_E_DENIED);
    assert_int_equal(check(egress, "127.0.0.2", 8001, NULL), 0);
    egress_free(egress);

    egress = make("[\"0.0.0.0/0\", \"::/0\"]", "127.0.0.1", 8000);
    assert_int_equal(check(egress, "0.0.0.0", 8000, NULL), EIN_E_DENIED);
    assert_int_equal(check(egress, "::", 8000, NULL), EIN_E_DENIED);
    assert_int_equal(check(egress, "127.0.0.2", 8000, NULL), 0);
    egress_free(egress);
}

static void who_listens_everywhere_is_reached_by_every_address_of_the_machine(void **state)
{
    struct egress *egress = make("[\"0.0.0.0/0\", \"::/0\"]", "0.0.0.0", 8000);
    struct ifaddrs *all;

    assert_int_equal(getifaddrs(&all), 0);
    for (const struct ifaddrs *it = all; it; it = it->ifa_next) {
        union address address;

        if (!it->ifa_addr || it->ifa_addr->sa_family != AF_INET)
            continue;
        memcpy(&address.in, it->ifa_addr, sizeof address.in);
        address.in.sin_port = htons(8000);
        assert_int_equal(egress_check(egress, &address.any, true, NULL), EIN_E_DENIED);
        address.in.sin_port = htons(8001);
        assert_int_equal(egress_check(egress, &address.any, true, NULL), 0);
    }
    freeifaddrs(all);
    assert_int_equal(check(egress, "192.0.2.1", 8000, NULL), 0);
    assert_int_equal(check(egress, "2001:db8::1", 8000, NULL), 0);
    egress_free(egress);
}

static void what_is_no_network_is_refused_at_once(void **state)
{
    static const char *const bad[] = {
        "[\"10.0.0.0/33\"]", "[\"10.0.0/8\"]", "[\"\"]",         "[5]",
        "[\"fd00::/129\"]",  "[\"a/b\"]",      "[\"10.0.0.0/\"]"
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        json_t *section = json_pack("{s:o}", "allow", json_loads(bad[i], 0, NULL));
        struct ein_error err = { 0 };
        struct egress *egress;

        assert_int_equal(egress_new(section, NULL, 0, &egress, &err), EIN_E_INVALID);
        assert_non_null(strstr(err.text, "egress.allow"));
        json_decref(section);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_address_is_judged_as_the_registries_say),
        cmocka_unit_test(a_refusal_names_address_reason_and_setting),
        cmocka_unit_test(only_named_ports_are_reached_but_where_all_is_allowed),
        cmocka_unit_test(the_operator_opens_networks_and_addresses_and_no_more),
        cmocka_unit_test(the_operator_opens_hosts_by_name_and_suffix),
        cmocka_unit_test(the_server_itself_is_refused_even_where_its_network_is_open),
        cmocka_unit_test(who_listens_everywhere_is_reached_by_every_address_of_the_machine),
        cmocka_unit_test(what_is_no_network_is_refused_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
