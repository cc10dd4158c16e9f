/** XML, read by jsdom. Loaded without its types: they bring those of the DOM along, and with them other ones for streams. */

import { createRequire } from 'node:module';

/** What the tests need of an element, or of a document. */
export interface XmlElement {
  readonly textContent: string | null;
  getAttribute(name: string): string | null;
  querySelector(selector: string): XmlElement | null;
  querySelectorAll(selector: string): Iterable<XmlElement> & { readonly length: number };
}

type Jsdom = { JSDOM: new (xml: string, options: { contentType: string }) => { window: { document: XmlElement } } };

/** The document. Throws if the text is not well-formed. */
export function parseXml(xml: string): XmlElement {
  const { JSDOM } = createRequire(import.meta.url)('jsdom') as Jsdom;
  return new JSDOM(xml, { contentType: 'text/xml' }).window.document;
}
