// Claude Code as a source: its lines of JSON carry the same events, those of subagents among them.
import { spawn } from 'node:child_process';
import { MessageStream } from 'ssemble';
import { ndjsonEvents } from 'ssemble/ndjson';

const options = ['--output-format', 'stream-json', '--include-partial-messages', '--verbose'];
const claude = spawn('claude', ['-p', 'What does this project do?', ...options], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
const ended = new Promise((resolve, reject) => claude.on('error', reject).on('close', resolve));

const events = ndjsonEvents(claude.stdout, {
  // The main conversation. A subagent's events come between, under the id of the tool use that started it.
  parentToolUseId: null,
  onOther: (line) => {
    if (line.type === 'result') console.log('\n%s: %s turns, $%s', line.subtype, line.num_turns, line.total_cost_usd);
  },
});
const stream = MessageStream.fromEvents(events);
for await (const text of stream.textStream) process.stdout.write(text);
// One message for each turn: between them Claude Code ran the tools.
for (const { message, outcome } of stream.messages) console.log(message.id, message.stop_reason, outcome.status);
process.exitCode = await ended;
