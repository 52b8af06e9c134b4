/* SPDX-License-Identifier: Apache-2.0 */
#include "ip.h"
#include "unit.h"

static struct ip parsed(const char *text)
{
    struct ip ip;
    unsigned bits;

    assert_true(ip_parse(text, &ip, &bits));
    return ip;
}

static void addresses_have_one_form(void **state)
{
    static const char *const texts[][2] = {
        { "127.0.0.1", "127.0.0.1" },
        { "::ffff:127.0.0.1", "127.0.0.1" },
        { "2001:DB8:0:0::1", "2001:db8::1" },
        { "::", "::" },
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char text[IP_TEXT_SIZE];
        struct ip ip = parsed(texts[i][0]);

        ip_text(&ip, text);
        assert_string_equal(text, texts[i][1]);
    }
}

static void what_is_no_address_is_none(void **state)
{
    static const char *const texts[] = { "",     "1.2.3",  "1.2.3.4.5", "1.2.3.256", "1.2.3.4 ",
                                         " ::1", "::1%lo", "[::1]",     "name",      "01.2.3.4" };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct ip ip;
        unsigned bits;

        assert_false(ip_parse(texts[i], &ip, &bits));
    }
}

static void networks_hold_their_addresses(void **state)
{
    static const struct {
        const char *net, *ip;
        bool has;
    } cases[] = {
        { "10.0.0.0/8", "10.255.0.1", true },
        { "10.0.0.0/8", "11.0.0.1", false },
        { "10.1.2.0/23", "10.1.3.9", true },
        { "10.1.2.0/23", "10.1.4.0", false },
        { "192.168.7.1", "192.168.7.1", true },
        { "192.168.7.1", "192.168.7.2", false },
        { "0.0.0.0/0", "9.9.9.9", true },
        { "0.0.0.0/0", "2001:db8::1", false },
        { "::/0", "9.9.9.9", true },
        { "fd00::/8", "fd12::1", true },
        { "10.0.0.0/8", "::ffff:10.1.1.1", true },
        { "2001:db8::/33", "2001:db8:8000::", false },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ip ip = parsed(cases[i].ip);
        struct net net;
        bool bad;

        assert_true(net_parse(cases[i].net, &net, &bad));
        assert_int_equal(net_has(&net, &ip), cases[i].has);
    }
}

static void what_is_no_network_is_told_from_a_name(void **state)
{
    static const struct {
        const char *text;
        bool bad;
    } cases[] = { { "wiki.local", false },  { "10.0.0.0/33", true },
                  { "::/129", true },       { "10.0.0.0/", true },
                  { "10.0.0.0/8/8", true }, { "name/8", true },
                  { "10.0.0.0/-1", true },  { "", false } };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct net net;
        bool bad;

        assert_false(net_parse(cases[i].text, &net, &bad));
        assert_int_equal(bad, cases[i].bad);
    }
}

static void a_loopback_address_is_one_in_either_form(void **state)
{
    static const char *const loopback[] = { "127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1" };
    static const char *const others[] = { "128.0.0.1", "::2", "::ffff:10.0.0.1", "localhost", "" };

    for (size_t i = 0; i < sizeof loopback / sizeof loopback[0]; i++)
        assert_true(ip_is_loopback(loopback[i]));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(ip_is_loopback(others[i]));
    assert_true(ip_is_loopback_name("a.localhost"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_have_one_form),
        cmocka_unit_test(what_is_no_address_is_none),
        cmocka_unit_test(networks_hold_their_addresses),
        cmocka_unit_test(what_is_no_network_is_told_from_a_name),
        cmocka_unit_test(a_loopback_address_is_one_in_either_form),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
