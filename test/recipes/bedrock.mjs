// Claude on Amazon Bedrock: the same events in binary frames. With an API key of Bedrock's; a signed request works as well.
import { MessageStream } from 'ssemble';
import { bedrockEvents } from 'ssemble/bedrock';

const { AWS_ENDPOINT_URL_BEDROCK_RUNTIME: endpoint, AWS_REGION: region = 'us-east-1' } = process.env;
const base = endpoint ?? `https://bedrock-runtime.${region}.amazonaws.com`;
const model = 'anthropic.claude-opus-4-6-v1';

const response = await fetch(`${base}/model/${encodeURIComponent(model)}/invoke-with-response-stream`, {
  method: 'POST',
  headers: { authorization: `Bearer ${process.env.AWS_BEARER_TOKEN_BEDROCK}`, 'content-type': 'application/json' },
  body: JSON.stringify({
    anthropic_version: 'bedrock-2023-05-31',
    max_tokens: 1024,
    messages: [{ role: 'user', content: 'Why is the sky blue?' }],
  }),
});

// A refusal is thrown as the Messages API would have thrown it: throttling is a RateLimitError.
const stream = MessageStream.fromEvents(bedrockEvents(response));
for await (const text of stream.textStream) process.stdout.write(text);
const { usage } = await stream.finalMessage();
console.log(`\n${usage.output_tokens} tokens`);
