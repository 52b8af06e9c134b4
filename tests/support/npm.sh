#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Installs what tests talk to and npm has:
# npm.sh FOLDER provider|emulator|aimock|anthropic|anthropic-1|bedrock|genai|ollama|openai|
#               mcp-everything|mcp-dual|mcp-sdk|mcp-client|pouchdb
set -euo pipefail

case $2 in
provider) package=oidc-provider@8.8.1 ;;
emulator) package=firebase-tools@13.35.1 ;; # 200 MB
aimock) package=@copilotkit/aimock@1.43.0 ;;
genai) package=@google/genai@2.32.0 ;;
ollama) package=ollama@0.6.4 ;;
anthropic) package=@anthropic-ai/sdk@0.137.0 ;;
anthropic-1) package=@anthropic-ai/sdk@1.12.0 ;; # which sends its key as a bearer
bedrock) package=@aws-sdk/client-bedrock-runtime@3.1164.0 ;;
openai) package=openai@6.49.0 ;;
mcp-everything) package=@modelcontextprotocol/server-everything@2026.8.31 ;;
mcp-dual) package="@modelcontextprotocol/server@2.4.0 @modelcontextprotocol/node@2.1.2 zod@4.6.7" ;;
mcp-sdk) package="@modelcontextprotocol/sdk@1.32.2 zod@4.6.7" ;; # with its examples
mcp-client) package=@modelcontextprotocol/client@2.4.0 ;;
pouchdb) package="express-pouchdb@4.2.0 pouchdb-core@7.3.1 pouchdb-adapter-memory@7.3.1 express@4.18.2" ;;
*) exit 2 ;;
esac

folder=$1/$2
if [[ -f $folder/.done && $(<"$folder/.done") == "$package" ]]; then
    exit 0
fi
mkdir -p "$folder"
read -ra packages <<<"$package"
npm install --prefix "$folder" --no-audit --no-fund --no-save --ignore-scripts --loglevel=error "${packages[@]}"
echo "$package" >"$folder/.done"
