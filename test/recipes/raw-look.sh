#!/bin/sh
# A raw look: what really comes over the wire, event by event. Without `events`: the message as it builds.
curl -sN "${ANTHROPIC_BASE_URL:-https://api.anthropic.com}/v1/messages" \
  -H "x-api-key: $ANTHROPIC_API_KEY" \
  -H 'anthropic-version: 2023-06-01' \
  -H 'content-type: application/json' \
  -d '{
    "model": "claude-opus-4-6", "max_tokens": 1024, "stream": true,
    "messages": [{ "role": "user", "content": "Hello" }]
  }' | npx ssemble events
