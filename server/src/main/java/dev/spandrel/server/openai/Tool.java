package dev.spandrel.server.openai;

import tools.jackson.databind.JsonNode;

/**
 * A function that the model may call.
 *
 * @param definition the whole tool, as the chat template describes it to the model
 * @param parameters schema of its arguments
 */
record Tool(String name, JsonNode definition, JsonNode parameters) {}
