#include "diagnose/n_plus_one_queries.h"

#include "diagnose/repeated_calls.h"

/* Writes of a loop lie in one transaction where somebody thought of them: they stay out. */
static bool accepts(const struct fingerprint *print)
{
    return (print->flags & FINGERPRINT_DATABASE) && (print->flags & FINGERPRINT_READS);
}

enum status n_plus_one_queries_find(struct detect *detect)
{
    static const struct repeated_calls_rule rule = {
        .kind = FINDING_N_PLUS_ONE_QUERIES,
        .accepts = accepts,
        .noun = "query",
        .row_share = 0.01,
    };
    return repeated_calls_find(detect, &rule);
}
