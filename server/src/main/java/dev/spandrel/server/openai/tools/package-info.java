/**
 * Tool calls in the text of models: each family of chat templates has its own way to write them, and a
 * {@link dev.spandrel.server.openai.tools.ToolCallParser} reads it piece by piece as the text comes. It knows JSON and
 * nothing of requests or engines. Start reading at {@link dev.spandrel.server.openai.tools.ToolCallFamily}.
 */
package dev.spandrel.server.openai.tools;
