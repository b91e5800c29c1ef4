#include "diagnose/n_plus_one_calls.h"

#include "diagnose/repeated_calls.h"

static bool accepts(const struct fingerprint *print)
{
    return (print->flags & FINGERPRINT_HTTP) && !(print->flags & FINGERPRINT_PAGES);
}

enum status n_plus_one_calls_find(struct detect *detect)
{
    static const struct repeated_calls_rule rule = {
        .kind = FINDING_N_PLUS_ONE_CALLS,
        .accepts = accepts,
        .noun = "call",
        .row_share = 0.05,
    };
    return repeated_calls_find(detect, &rule);
}
