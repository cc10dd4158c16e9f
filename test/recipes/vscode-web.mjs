// A VS Code extension for the web: one file, in a worker, without Node and without eval.
import { AbortError } from 'ssemble';
import { streamMessage } from 'ssemble/fetch';
import { commands, ProgressLocation, window } from 'vscode';

export function activate({ secrets, subscriptions }) {
  const output = window.createOutputChannel('Claude');
  subscriptions.push(
    output,
    commands.registerCommand('claude.ask', async () => {
      const question = await window.showInputBox({ prompt: 'Ask Claude' });
      if (!question) return;
      const apiKey = await secrets.get('claude.key');
      const options = { location: ProgressLocation.Notification, title: 'Claude', cancellable: true };
      await window.withProgress(options, (_, token) => ask(question, apiKey, token, output));
    }),
  );
}

async function ask(question, apiKey, token, output) {
  const leave = new AbortController();
  token.onCancellationRequested(() => leave.abort());
  const messages = [{ role: 'user', content: question }];
  // The API answers a page only if the page says that it knows what it does: the key is in the user's own hands.
  const headers = { 'anthropic-dangerous-direct-browser-access': 'true' };
  try {
    const params = { model: 'claude-opus-4-6', max_tokens: 1024, messages };
    const stream = await streamMessage(params, { apiKey, headers, signal: leave.signal });
    for await (const text of stream.textStream) output.append(text);
    output.appendLine('');
  } catch (error) {
    if (!(error instanceof AbortError)) window.showErrorMessage(error.message);
  }
}
