import type { Message } from '../protocol/message.ts';
import type { Delta, UnknownDelta } from '../protocol/events.ts';
import type { MessageAssembler } from './assembler.ts';
import type { BlockInfo, Diagnostic, MessageRecord, Outcome } from './types.ts';

/** What parsers and streams show of the messages they assemble: the same getters, from the same assembler. */
export abstract class MessageView {
  /** @internal */
  abstract readonly assembler: MessageAssembler;

  /** As `MessageAssembler.message`: the message as far as it has come. */
  get message(): Message | undefined {
    return this.assembler.message;
  }

  /** As `MessageAssembler.messages`: all messages of the stream, the last one as it stands. */
  get messages(): readonly MessageRecord[] {
    return this.assembler.messages;
  }

  /** As `MessageAssembler.blocks`: `blocks[k]` describes `message.content[k]`. */
  get blocks(): readonly BlockInfo[] {
    return this.assembler.blocks;
  }

  /** As `MessageAssembler.outcome`: how the message stands or ended. */
  get outcome(): Outcome {
    return this.assembler.outcome;
  }

  /** As `MessageAssembler.diagnostics`: the deviations so far. */
  get diagnostics(): readonly Diagnostic[] {
    return this.assembler.diagnostics;
  }

  /** As `MessageAssembler.diagnosticCount`: how many deviations there were, those not kept included. */
  get diagnosticCount(): number {
    return this.assembler.diagnosticCount;
  }

  /** As `MessageAssembler.orphanDeltas`: deltas of unknown type for which no block was there. */
  get orphanDeltas(): readonly (UnknownDelta | Delta)[] {
    return this.assembler.orphanDeltas;
  }

  /** The `request-id` of the response, or what an error said. */
  get requestId(): string | undefined {
    return this.assembler.requestId;
  }
}
