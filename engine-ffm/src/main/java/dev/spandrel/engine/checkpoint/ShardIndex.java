package dev.spandrel.engine.checkpoint;

import dev.spandrel.engine.EngineException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * {@code model.safetensors.index.json}: which shard holds which tensor. Its word decides where a tensor lies in several
 * shards; a tensor it does not name is taken from the shard that has it.
 *
 * @param file name of the index, for messages
 * @param placement file by tensor
 */
record ShardIndex(String file, SortedMap<String, String> placement) {
    /** For a checkpoint of one file. */
    static final ShardIndex NONE = new ShardIndex("", new TreeMap<>());

    /** @param suffix how names of shards end */
    static ShardIndex read(Path file, String suffix) {
        List<String> problems = new ArrayList<>();
        SortedMap<String, String> placement = new TreeMap<>();
        try {
            long size = Files.size(file);
            if (size > SafetensorsHeader.MAX_BYTES) {
                problems.add("expected at most " + SafetensorsHeader.MAX_BYTES + " bytes, found " + size);
            } else {
                parse(Files.readAllBytes(file), suffix, placement, problems);
            }
        } catch (IOException e) {
            problems.add("cannot be read: " + e);
        } catch (JacksonException e) {
            problems.add("expected JSON, found: " + e.getMessage());
        }
        if (problems.isEmpty() && placement.isEmpty()) {
            problems.add("expected a weight_map that names at least one tensor, found none");
        }
        if (!problems.isEmpty()) {
            throw new EngineException.ModelLoad(file.toString(), problems);
        }
        return new ShardIndex(file.getFileName().toString(), placement);
    }

    /** The shards, each once. */
    List<String> files() {
        return List.copyOf(new TreeSet<>(placement.values()));
    }

    /** Whether a tensor met in a shard is the one to take. */
    boolean holds(String tensor, String file) {
        return placement.getOrDefault(tensor, file).equals(file);
    }

    private static void parse(byte[] json, String suffix, SortedMap<String, String> placement, List<String> problems) {
        try (JsonParser parser = StrictJson.parser(json)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                problems.add("expected a JSON object, found " + parser.currentToken());
                return;
            }
            while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                String name = parser.currentName();
                parser.nextToken();
                if (name.equals("weight_map") && parser.currentToken() == JsonToken.START_OBJECT) {
                    weightMap(parser, suffix, placement, problems);
                } else {
                    parser.skipChildren();
                }
            }
            StrictJson.end(parser);
        }
    }

    private static void weightMap(
            JsonParser parser, String suffix, SortedMap<String, String> placement, List<String> problems) {
        while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
            String tensor = parser.currentName();
            String shard = parser.nextToken() == JsonToken.VALUE_STRING ? parser.getString() : null;
            if (shard == null || !plainName(shard, suffix)) {
                problems.add("tensor " + tensor + ": expected the name of a " + suffix
                        + " file in the same folder, found " + (shard == null ? parser.currentToken() : shard));
            } else if (placement.put(tensor, shard) != null) {
                problems.add("tensor " + tensor + ": named twice");
            }
            parser.skipChildren();
        }
    }

    /** No folders: an index must not reach outside the model it belongs to. */
    private static boolean plainName(String shard, String suffix) {
        return shard.endsWith(suffix) && shard.chars().noneMatch(c -> c == '/' || c == '\\' || c < ' ');
    }
}
