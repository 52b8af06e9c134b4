/* SPDX-License-Identifier: Apache-2.0 */
#include "member.h"
#include "reply.h"

#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    int fault;
} errors[] = {
    { "AccessDeniedException", EIN_LLM_FAULT_BAD_KEY },
    { "UnrecognizedClientException", EIN_LLM_FAULT_BAD_KEY },
    { "InvalidSignatureException", EIN_LLM_FAULT_BAD_KEY },
    { "IncompleteSignatureException", EIN_LLM_FAULT_BAD_KEY },
    { "MissingAuthenticationTokenException", EIN_LLM_FAULT_BAD_KEY },
    { "ExpiredTokenException", EIN_LLM_FAULT_BAD_KEY },
    { "ServiceQuotaExceededException", EIN_LLM_FAULT_NO_CREDIT }, /* waiting does not help */
    { "ThrottlingException", EIN_LLM_FAULT_RATE_LIMIT },
    { "ValidationException", EIN_LLM_FAULT_BAD_REQUEST },
    { "ConflictException", EIN_LLM_FAULT_BAD_REQUEST },
    { "ResourceNotFoundException", EIN_LLM_FAULT_BAD_REQUEST },
    { "ModelTimeoutException", EIN_LLM_FAULT_OVERLOADED },
    { "ModelStreamErrorException", EIN_LLM_FAULT_OVERLOADED },
    { "ModelNotReadyException", EIN_LLM_FAULT_OVERLOADED },
    { "InternalServerException", EIN_LLM_FAULT_OVERLOADED },
    { "ServiceUnavailableException", EIN_LLM_FAULT_OVERLOADED },
};

/* "com.amazon.x#ThrottlingException:http://..." is the part between '#' and ':'. */
int bedrock_fault(const char *name, int otherwise)
{
    const char *hash = strchr(name, '#');
    size_t len;

    name = hash ? hash + 1 : name;
    len = strcspn(name, ":");
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
        if (strlen(errors[i].name) == len && strncasecmp(errors[i].name, name, len) == 0)
            return errors[i].fault;
    return otherwise;
}

void bedrock_classify(void *data, struct vendor_failure *failure)
{
    const char *name = text_or_empty(failure->headers, "x-amzn-errortype");
    const json_t *original = json_object_get(failure->body, "originalStatusCode");
    const char *words = text_or_empty(failure->body, "message");

    (void)data;
    if (!*words)
        words = text_or_empty(failure->body, "Message");
    if (*words)
        failure->words = words;
    if (!*name)
        name = text_or_empty(failure->body, "__type");
    /* ModelErrorException says what the model's own server answered. */
    if (failure->status == 424)
        failure->fault = json_integer_value(original) >= 400 && json_integer_value(original) < 500
                             ? EIN_LLM_FAULT_BAD_REQUEST
                             : EIN_LLM_FAULT_OVERLOADED;
    failure->fault = bedrock_fault(name, failure->fault);
}
