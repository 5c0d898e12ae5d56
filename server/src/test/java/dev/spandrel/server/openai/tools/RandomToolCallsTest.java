package dev.spandrel.server.openai.tools;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Whatever is called with whatever arguments, written as the family writes it and cut anywhere, comes back as it was. */
class RandomToolCallsTest {
    private static final JsonMapper PLAIN = JsonMapper.builder().build();
    private static final JsonMapper INDENTED =
            JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();
    private static final String[] PIECES = {
        "a",
        "Zürich",
        "🙂",
        "\"",
        "'",
        "\\",
        "\n",
        "{",
        "}",
        "[",
        "]",
        ",",
        ";",
        ":",
        "(",
        ")",
        "=",
        " ",
        "\t",
        "<",
        ">",
        "/",
        "\u0001",
        "None",
        "true",
        "tool_call",
        "]]",
        "}}"
    };

    /** A call, and what it is called with. */
    private record Call(String name, ObjectNode arguments) {}

    @ParameterizedTest
    @EnumSource(ToolCallFamily.class)
    void everyCallComesBack(ToolCallFamily family) {
        long seed = Long.getLong("spandrel.seed", System.nanoTime());
        Random random = new Random(seed);
        for (int round = 0; round < 2_000; round++) {
            List<Call> calls = new ArrayList<>();
            int count = 1 + random.nextInt(3);
            for (int i = 0; i < count; i++) {
                calls.add(new Call("fn_" + random.nextInt(100), object(random, 0)));
            }
            String text = write(family, calls, random);
            FoundCalls found = read(family.parser(), text, random);
            String said = "seed " + seed + ", round " + round + ": " + text;
            assertThat(found.names)
                    .as(said)
                    .isEqualTo(calls.stream().map(Call::name).toList());
            for (int i = 0; i < count; i++) {
                JsonNode arguments = PLAIN.readTree(found.arguments.get(i).toString());
                assertThat(arguments)
                        .as(said)
                        .isEqualTo(PLAIN.readTree(calls.get(i).arguments().toString()));
            }
            assertThat(found.content.toString().strip()).as(said).isEmpty();
        }
    }

    private static FoundCalls read(ToolCallParser parser, String text, Random random) {
        FoundCalls found = new FoundCalls();
        int most = 1 + random.nextInt(20);
        for (int at = 0; at < text.length(); ) {
            int end = Math.min(text.length(), at + 1 + random.nextInt(most));
            parser.append(text.substring(at, end), found);
            at = end;
        }
        parser.finish(found);
        return found;
    }

    private static String write(ToolCallFamily family, List<Call> calls, Random random) {
        return switch (family) {
            case HERMES ->
                calls.stream()
                        .map(call -> "<tool_call>" + blank(random) + json(call, "arguments", random) + blank(random)
                                + "</tool_call>")
                        .collect(Collectors.joining(blank(random)));
            case LLAMA3_JSON ->
                (random.nextBoolean() ? "<|python_tag|>" : "")
                        + calls.stream()
                                .map(call -> json(call, "parameters", random))
                                .collect(Collectors.joining(";" + blank(random)));
            case MISTRAL -> mistral(calls, random);
            case PYTHONIC ->
                calls.stream().map(RandomToolCallsTest::python).collect(Collectors.joining(", ", "[", "]"));
        };
    }

    private static String mistral(List<Call> calls, Random random) {
        return switch (random.nextInt(3)) {
            case 0 ->
                calls.stream()
                        .map(call -> json(call, "arguments", random))
                        .collect(Collectors.joining("," + blank(random), "[TOOL_CALLS]" + blank(random) + "[", "]"));
            case 1 ->
                calls.stream()
                        .map(call ->
                                "[TOOL_CALLS]" + call.name() + mapper(random).writeValueAsString(call.arguments()))
                        .collect(Collectors.joining());
            default ->
                calls.stream()
                        .map(call -> "[TOOL_CALLS]" + call.name() + "[ARGS]"
                                + mapper(random).writeValueAsString(call.arguments()))
                        .collect(Collectors.joining());
        };
    }

    private static JsonMapper mapper(Random random) {
        return random.nextBoolean() ? PLAIN : INDENTED;
    }

    private static String blank(Random random) {
        return new String[] {"", " ", "\n", "\n\n"}[random.nextInt(4)];
    }

    private static String json(Call call, String arguments, Random random) {
        ObjectNode node = PLAIN.createObjectNode();
        if (random.nextInt(4) == 0) {
            node.set(arguments, call.arguments());
            node.put("name", call.name());
        } else {
            node.put("name", call.name());
            node.set(arguments, call.arguments());
        }
        return mapper(random).writeValueAsString(node);
    }

    private static String python(Call call) {
        return call.name() + "("
                + call.arguments().properties().stream()
                        .map(entry -> entry.getKey() + "=" + python(entry.getValue()))
                        .collect(Collectors.joining(", "))
                + ")";
    }

    private static String python(JsonNode value) {
        if (value.isObject()) {
            return value.properties().stream()
                    .map(entry ->
                            python(PLAIN.getNodeFactory().stringNode(entry.getKey())) + ": " + python(entry.getValue()))
                    .collect(Collectors.joining(", ", "{", "}"));
        }
        if (value.isArray()) {
            return value.valueStream().map(RandomToolCallsTest::python).collect(Collectors.joining(", ", "[", "]"));
        }
        if (value.isString()) {
            return "'"
                    + value.stringValue()
                            .replace("\\", "\\\\")
                            .replace("'", "\\'")
                            .replace("\n", "\\n")
                            .replace("\t", "\\t")
                            .replace("\u0001", "\\x01")
                    + "'";
        }
        return value.isNull() ? "None" : value.isBoolean() ? value.booleanValue() ? "True" : "False" : value.asString();
    }

    private static ObjectNode object(Random random, int depth) {
        ObjectNode node = PLAIN.createObjectNode();
        int size = random.nextInt(4);
        for (int i = 0; i < size; i++) {
            // Names of arguments at the top are names of Python's; inside they are any texts.
            node.set(depth == 0 ? "arg" + i : text(random) + i, value(random, depth + 1));
        }
        return node;
    }

    private static JsonNode value(Random random, int depth) {
        return switch (random.nextInt(depth > 3 ? 6 : 8)) {
            case 0 -> PLAIN.getNodeFactory().nullNode();
            case 1 -> PLAIN.getNodeFactory().booleanNode(random.nextBoolean());
            case 2 -> PLAIN.getNodeFactory().numberNode(random.nextInt(2_000) - 1_000);
            case 3 -> PLAIN.getNodeFactory().numberNode(random.nextInt(2_000) / 8.0 - 100);
            case 4, 5 -> PLAIN.getNodeFactory().stringNode(text(random));
            case 6 -> object(random, depth);
            default -> {
                ArrayNode array = PLAIN.createArrayNode();
                int size = random.nextInt(4);
                for (int i = 0; i < size; i++) {
                    array.add(value(random, depth + 1));
                }
                yield array;
            }
        };
    }

    private static String text(Random random) {
        StringBuilder text = new StringBuilder();
        int pieces = random.nextInt(6);
        for (int i = 0; i < pieces; i++) {
            text.append(PIECES[random.nextInt(PIECES.length)]);
        }
        return text.toString();
    }
}
