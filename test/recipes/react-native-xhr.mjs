// React Native without `fetch` streams: XMLHttpRequest gives all the text so far, the parser takes what is new.
import { ConnectionError, MessageParser } from 'ssemble';

export function chat(url, messages, onText) {
  return new Promise((resolve, reject) => {
    const parser = new MessageParser({ onText: (delta) => onText(delta) });
    const request = new XMLHttpRequest();
    const finish = (error) => {
      parser.end(error);
      const { status, error: reason } = parser.outcome;
      if (status === 'complete') resolve(parser.message);
      else reject(reason);
    };
    // By `addEventListener`, and not `onprogress`: that is what makes React Native give the text as it comes.
    request.addEventListener('progress', () => parser.pushCumulative(request.responseText));
    request.addEventListener('load', () => {
      parser.pushCumulative(request.responseText);
      finish();
    });
    request.addEventListener('error', () => finish(new ConnectionError('The connection broke')));
    request.open('POST', url);
    request.setRequestHeader('content-type', 'application/json');
    request.send(JSON.stringify({ messages }));
  });
}
