package dev.spandrel.server.openai;

import dev.spandrel.engine.OutputConstraint;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/**
 * The fields that give the output a form: OpenAI's {@code response_format}, vLLM's {@code structured_outputs}, and vLLM's
 * older {@code guided_json}, {@code guided_regex} and {@code guided_choice}. At most one of them may be used.
 */
final class ConstraintFields {
    private static final List<String> KINDS = List.of("json", "regex", "choice", "json_object");
    private static final List<String> LATER = List.of("grammar", "structural_tag");

    private ConstraintFields() {}

    /**
     * The form asked for, if any.
     *
     * @throws OpenAiException 400 for two forms, one that is not understood, or one that is not supported
     */
    static Optional<OutputConstraint> read(RequestFields fields) {
        List<OutputConstraint> all = new ArrayList<>();
        fields.object("response_format")
                .ifPresent(format -> responseFormat(format).ifPresent(all::add));
        fields.object("structured_outputs").ifPresent(outputs -> structured(outputs, "", all));
        structured(fields, "guided_", all);
        if (all.size() > 1) {
            throw new OpenAiException(OpenAiError.badRequest(
                    "structured_outputs", "Only one form of output may be asked for, found " + all.size() + "."));
        }
        return all.stream().findFirst();
    }

    private static Optional<OutputConstraint> responseFormat(RequestFields format) {
        String type = format.string("type").orElse("");
        return switch (type) {
            case "text" -> Optional.empty();
            case "json_object" -> Optional.of(new OutputConstraint.JsonObject());
            case "json_schema" -> Optional.of(schema(format));
            case "structural_tag" ->
                throw new OpenAiException(OpenAiError.unsupported(
                        "response_format",
                        "`response_format` of type `structural_tag` is not supported by this server."));
            default ->
                throw new OpenAiException(OpenAiError.badRequest(
                        "response_format",
                        "response_format.type must be `text`, `json_object` or `json_schema`, got `" + type + "`."));
        };
    }

    /** OpenAI nests the schema in an object with a name; its Responses API does not. */
    private static OutputConstraint schema(RequestFields format) {
        JsonNode schema =
                format.object("json_schema").map(named -> named.get("schema")).orElseGet(() -> format.get("schema"));
        if (schema == null) {
            throw new OpenAiException(OpenAiError.badRequest(
                    "response_format", "response_format.json_schema.schema is missing; it holds the JSON schema."));
        }
        return new OutputConstraint.JsonSchema(schema.toString());
    }

    private static void structured(RequestFields fields, String prefix, List<OutputConstraint> out) {
        for (String kind : KINDS) {
            JsonNode value = fields.get(prefix + kind);
            if (value != null) {
                constraint(kind, prefix + kind, value, fields).ifPresent(out::add);
            }
        }
        for (String kind : LATER) {
            if (fields.get(prefix + kind) != null) {
                throw new OpenAiException(OpenAiError.unsupported(
                        parameter(kind, prefix + kind),
                        "`" + prefix + kind + "` is not supported by this server; use json, regex or choice."));
            }
        }
    }

    /** The request's own field, for errors: kinds without a prefix lie in one of them. */
    private static String parameter(String kind, String name) {
        return name.equals(kind) ? "structured_outputs" : name;
    }

    private static Optional<OutputConstraint> constraint(
            String kind, String name, JsonNode value, RequestFields fields) {
        return switch (kind) {
            case "regex" -> fields.string(name).map(OutputConstraint.Regex::new);
            case "choice" -> Optional.of(new OutputConstraint.Choice(fields.strings(name)));
            case "json_object" ->
                fields.bool(name, false) ? Optional.of(new OutputConstraint.JsonObject()) : Optional.empty();
            // vLLM takes a schema as an object and as text.
            default ->
                Optional.of(new OutputConstraint.JsonSchema(
                        value.isString() ? value.stringValue() : value.toString(), Map.of("#", parameter(kind, name))));
        };
    }
}
