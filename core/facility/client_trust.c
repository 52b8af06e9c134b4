/* SPDX-License-Identifier: Apache-2.0
 *
 * libcurl with GnuTLS reads the authorities anew for every connection: 38 ms, and 5 MiB for as long
 * as it lasts, as often as a connection is made.  Here they are read once. */
#include "client_trust.h"

#include "cleanup.h"
#include "error.h"
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

enum { CHAIN_MAX = 16 };

struct trust {
    pthread_mutex_t lock;                 /* held while a certificate is checked */
    gnutls_x509_trust_list_t authorities; /* guarded by lock; NULL: not yet read */
};

static int read_authorities(struct trust *trust, const char *ca_file, struct ein_error *err)
{
    int count;

    if (gnutls_x509_trust_list_init(&trust->authorities, 0) < 0)
        return error_no_memory(err);
    count = ca_file ? gnutls_x509_trust_list_add_trust_file(trust->authorities, ca_file, NULL,
                                                            GNUTLS_X509_FMT_PEM, 0, 0)
                    : gnutls_x509_trust_list_add_system_trust(trust->authorities, 0, 0);
    if (count > 0)
        return 0;
    gnutls_x509_trust_list_deinit(trust->authorities, 1);
    trust->authorities = NULL;
    if (ca_file)
        return error_set(err, EIN_E_INVALID, "egress.ca_file: %s: it contains no certificate",
                         ca_file);
    return error_set(err, EIN_E_UNAVAILABLE, "the system trusts no certificate authorities");
}

int trust_new(const char *ca_file, struct trust **ret_trust, struct ein_error *err)
{
    struct trust *trust = calloc(1, sizeof(*trust));
    int r;

    if (!trust)
        return error_no_memory(err);
    (void)pthread_mutex_init(&trust->lock, NULL);
    r = ca_file ? read_authorities(trust, ca_file, err) : 0;
    if (r < 0) {
        trust_free(trust);
        return r;
    }
    *ret_trust = trust;
    return 0;
}

void trust_free(struct trust *trust)
{
    if (!trust)
        return;
    if (trust->authorities)
        gnutls_x509_trust_list_deinit(trust->authorities, 1);
    (void)pthread_mutex_destroy(&trust->lock);
    free(trust);
}

/* ---- one server ---- */

static void free_chain(gnutls_x509_crt_t *chain, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        gnutls_x509_crt_deinit(chain[i]);
}

/* The number of certificates that the server showed; 0: it showed none that can be read. */
static unsigned read_chain(gnutls_session_t tls, gnutls_x509_crt_t chain[CHAIN_MAX])
{
    unsigned count = 0;
    const gnutls_datum_t *shown = NULL;

    if (gnutls_certificate_type_get2(tls, GNUTLS_CTYPE_SERVER) == GNUTLS_CRT_X509)
        shown = gnutls_certificate_get_peers(tls, &count);
    if (!shown || count > CHAIN_MAX)
        return 0;
    for (unsigned i = 0; i < count; i++) {
        if (gnutls_x509_crt_init(&chain[i]) < 0) {
            free_chain(chain, i);
            return 0;
        }
        if (gnutls_x509_crt_import(chain[i], &shown[i], GNUTLS_X509_FMT_DER) < 0) {
            free_chain(chain, i + 1);
            return 0;
        }
    }
    return count;
}

static int say_why(const char *host, unsigned status, struct ein_error *err)
{
    gnutls_datum_t text = { 0 };
    int len; /* without the space at its end */

    (void)gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &text, 0);
    len = text.size > 0 && text.data[text.size - 1] == ' ' ? (int)text.size - 1 : (int)text.size;
    (void)error_set(err, EIN_E_UNAVAILABLE, "%s: its certificate is not accepted. %.*s", host, len,
                    text.data ? (const char *)text.data : "");
    gnutls_free(text.data);
    return EIN_E_UNAVAILABLE;
}

int trust_check(struct trust *trust, void *tls, const char *host, struct ein_error *err)
{
    gnutls_typed_vdata_st wanted[] = {
        { .type = GNUTLS_DT_DNS_HOSTNAME, .data = (unsigned char *)host },
        { .type = GNUTLS_DT_KEY_PURPOSE_OID, .data = (unsigned char *)GNUTLS_KP_TLS_WWW_SERVER },
    };
    gnutls_x509_crt_t chain[CHAIN_MAX];
    unsigned status = GNUTLS_CERT_INVALID, count = read_chain(tls, chain);
    int r;

    if (count == 0)
        return error_set(err, EIN_E_UNAVAILABLE, "%s: it presented no certificate", host);
    {
        EIN_LOCKED(&trust->lock);
        r = trust->authorities ? 0 : read_authorities(trust, NULL, err);
        if (r == 0 && gnutls_x509_trust_list_verify_crt2(trust->authorities, chain, count, wanted,
                                                         2, 0, &status, NULL) < 0)
            status |= GNUTLS_CERT_INVALID;
    }
    free_chain(chain, count);
    if (r < 0)
        return r;
    return status == 0 ? 0 : say_why(host, status, err);
}
