package dev.spandrel.engine.grammar;

import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Schemas from a seed: every supported keyword, nested, some containing themselves. */
final class RandomSchema {
    private final Random random;

    RandomSchema(Random random) {
        this.random = random;
    }

    /** A schema as JSON text. */
    String write() {
        String tree = "{\"type\":\"object\",\"properties\":{\"label\":" + leaf()
                + ",\"children\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/tree\"}}},\"required\":[\"label\"]}";
        String body = schema(3);
        return body.substring(0, body.length() - 1) + (body.length() > 2 ? "," : "") + "\"$defs\":{\"tree\":" + tree
                + ",\"leaf\":" + leaf() + "}}";
    }

    private String schema(int depth) {
        return switch (depth == 0 ? random.nextInt(4) + 10 : random.nextInt(14)) {
            case 0, 1, 2, 3 -> object(depth);
            case 4, 5 -> array(depth);
            case 6 -> "{\"anyOf\":" + list(2 + random.nextInt(2), depth - 1) + "}";
            case 7 -> "{\"$ref\":\"#/$defs/tree\"}";
            case 8 -> "{\"oneOf\":[{\"type\":\"string\"},{\"type\":\"null\"}," + object(depth) + "]}";
            case 9 -> "{\"allOf\":[" + object(depth) + "]}";
            case 10 -> "{\"$ref\":\"#/$defs/leaf\"}";
            default -> leaf();
        };
    }

    private String list(int count, int depth) {
        return IntStream.range(0, count).mapToObj(i -> schema(depth)).collect(Collectors.joining(",", "[", "]"));
    }

    private String object(int depth) {
        int count = random.nextInt(5);
        String properties = IntStream.range(0, count)
                .mapToObj(i -> "\"" + name(i) + "\":" + schema(depth - 1))
                .collect(Collectors.joining(","));
        String required = IntStream.range(0, count)
                .filter(i -> random.nextBoolean())
                .mapToObj(i -> "\"" + name(i) + "\"")
                .collect(Collectors.joining(","));
        String additional = switch (random.nextInt(4)) {
            case 0 -> ",\"additionalProperties\":false";
            case 1 -> ",\"additionalProperties\":" + leaf();
            case 2 -> ",\"additionalProperties\":true";
            default -> "";
        };
        return "{\"type\":\"object\",\"properties\":{" + properties + "},\"required\":[" + required + "]" + additional
                + "}";
    }

    private static String name(int index) {
        return new String[] {"name", "na\\\"me", "größe", "a b", "names"}[index];
    }

    private String array(int depth) {
        int least = random.nextInt(3);
        return switch (random.nextInt(3)) {
            case 0 -> "{\"type\":\"array\",\"items\":" + schema(depth - 1) + "}";
            case 1 ->
                "{\"type\":\"array\",\"items\":" + schema(depth - 1) + ",\"minItems\":" + least + ",\"maxItems\":"
                        + (least + random.nextInt(3)) + "}";
            default ->
                "{\"type\":\"array\",\"prefixItems\":" + list(2, depth - 1) + ",\"items\":"
                        + (random.nextBoolean() ? "false" : leaf()) + ",\"minItems\":" + least + "}";
        };
    }

    private String leaf() {
        return switch (random.nextInt(14)) {
            case 0 -> "{\"type\":\"string\"}";
            case 1 -> {
                int least = random.nextInt(4);
                yield "{\"type\":\"string\",\"minLength\":" + least + ",\"maxLength\":" + (least + random.nextInt(9))
                        + "}";
            }
            case 2 -> "{\"type\":\"string\",\"pattern\":\"^[a-c]{2,4}(x|\\\\d+)?$\"}";
            case 3 -> "{\"type\":\"string\",\"pattern\":\"ab|\\\\\\\\\"}";
            case 4 -> {
                String[] formats = {"date", "date-time", "uuid", "ipv4", "time", "duration", "hostname", "uri"};
                yield "{\"type\":\"string\",\"format\":\"" + formats[random.nextInt(formats.length)] + "\"}";
            }
            case 5 -> "{\"type\":\"integer\"}";
            case 6 -> {
                int from = random.nextInt(2000) - 1000;
                yield "{\"type\":\"integer\",\"minimum\":" + from + ",\"exclusiveMaximum\":"
                        + (from + 1 + random.nextInt(500)) + "}";
            }
            case 7 -> "{\"type\":\"number\"}";
            case 8 -> {
                int from = random.nextInt(20) - 10;
                yield "{\"type\":\"number\",\"exclusiveMinimum\":" + from + ",\"maximum\":"
                        + (from + 1 + random.nextInt(5)) + "}";
            }
            case 9 -> "{\"enum\":[\"red\",1,null,[1,{\"a\":\"é\\n\"}]]}";
            case 10 -> "{\"const\":{\"k\":[true,\"v\"]}}";
            case 11 -> "{\"type\":[\"boolean\",\"null\",\"integer\"]}";
            case 12 -> "{\"type\":\"boolean\",\"description\":\"x\"}";
            default -> "{}";
        };
    }
}
