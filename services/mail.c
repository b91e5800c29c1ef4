/* A mail company, an outside party: takes messages in. */
#include "http/validate.h"
#include "services/partner.h"
#include "services/shop.h"

struct message {
    const char *to, *subject, *text;
};

static const struct validate_field message_fields[] = {
    VALIDATE_FIELD(struct message, to, VALIDATE_TEXT, 1, SHOP_TEXT_MAX),
    VALIDATE_FIELD(struct message, subject, VALIDATE_TEXT, 1, SHOP_TEXT_MAX),
    VALIDATE_FIELD(struct message, text, VALIDATE_TEXT, 0, 64 * 1024),
};

static void post_message(struct request *request, struct response *response)
{
    struct message message = {0};
    if (!validate_body(request, response, message_fields, COUNT_OF(message_fields), &message)) {
        return;
    }
    partner_wait(request);
    response_json(response, 202, json_pack("{s:b}", "accepted", 1));
}

static const struct server_route routes[] = {
    {.method = "POST", .path = "/messages", .handle = post_message},
};

int main(int argc, char **argv)
{
    return partner_main("mail", routes, COUNT_OF(routes), argc, argv);
}
