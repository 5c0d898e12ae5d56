/**
 * The traced example client, counterpart of vLLM's OpenTelemetry example: one CLIENT span around one completion, its
 * context sent along, its trace id printed. It speaks to the server over the wire only and takes its SDK from
 * {@link dev.spandrel.server.telemetry}. Start reading at {@link dev.spandrel.server.client.ClientCommand}.
 */
package dev.spandrel.server.client;
