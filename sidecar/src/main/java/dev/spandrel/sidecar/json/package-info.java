/**
 * OTLP/JSON to protobuf and back, by one table of the stable signals' messages. JSON becomes protobuf at the door, so the
 * journal holds one encoding only; it is written again where a destination asks for it. Start reading at
 * {@link dev.spandrel.sidecar.json.OtlpSchema}.
 */
package dev.spandrel.sidecar.json;
