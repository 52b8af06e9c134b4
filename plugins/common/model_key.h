/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* printf() it with a user's id and a provider: their key's name in vault/1. */
#define MODEL_KEY_IN_VAULT "model_key/%s/%s"
