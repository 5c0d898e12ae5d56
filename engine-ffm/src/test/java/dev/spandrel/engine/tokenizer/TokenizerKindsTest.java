package dev.spandrel.engine.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** 2,000 strings through each family's pipeline, against Hugging Face's library (bench/reference/tokenizer_kinds.py). */
class TokenizerKindsTest {
    private static final Path KINDS = Path.of("src/test/resources/tokenizers");
    private static final Path GGUF = Path.of("src/test/resources/gguf/tokenizers");

    @ParameterizedTest
    @ValueSource(
            strings = {"llama3", "qwen2", "o200k", "smollm", "llama2", "mistral", "gemma", "unigram", "unigram-bytes"})
    void givesTheSameIdsAndText(String kind) throws IOException {
        Tokenizer tokenizer = Tokenizer.open(KINDS.resolve(kind));
        JsonNode strings = read("strings.json");
        JsonNode cases = read(kind + "/ids.json");
        assertThat(strings.size()).isEqualTo(2000);
        List<String> wrong = new ArrayList<>();
        for (int i = 0; i < strings.size(); i++) {
            compare(tokenizer, strings.get(i).asString(), ids(cases.path("ids").get(i)), wrong);
        }
        for (JsonNode pair : cases.path("added")) {
            compare(tokenizer, pair.get(0).asString(), ids(pair.get(1)), wrong);
        }
        assertThat(wrong).isEmpty();
        decodes(tokenizer, strings, cases.path("ids"), KINDS.resolve(kind));
    }

    /** The same tokenizers inside GGUF files (bench/reference/gguf_tokenizers.py). */
    @ParameterizedTest
    @ValueSource(strings = {"llama3", "qwen2", "o200k", "smollm", "llama2", "gemma"})
    void insideGgufGivesTheSameIdsAndText(String kind) throws IOException {
        Tokenizer tokenizer = Tokenizer.open(GGUF.resolve(kind).resolve("tokenizer.gguf"));
        JsonNode strings = read("strings.json");
        boolean own = Files.exists(GGUF.resolve(kind).resolve("ids.json"));
        JsonNode cases = own
                ? JsonMapper.shared()
                        .readTree(Files.readAllBytes(GGUF.resolve(kind).resolve("ids.json")))
                : read(kind + "/ids.json");
        List<String> wrong = new ArrayList<>();
        for (int i = 0; i < strings.size(); i++) {
            compare(tokenizer, strings.get(i).asString(), ids(cases.path("ids").get(i)), wrong);
        }
        assertThat(wrong).isEmpty();
        decodes(tokenizer, strings, cases.path("ids"), own ? GGUF.resolve(kind) : KINDS.resolve(kind));
        int[] eot = tokenizer.encode("a<|eot|>", true);
        assertThat(eot[0]).isEqualTo(1);
        assertThat(eot[eot.length - 1]).isEqualTo(tokenizer.idOf("<|eot|>"));
        assertThat(tokenizer.isSpecial(tokenizer.idOf("<|eot|>"))).isTrue();
        assertThat(tokenizer.isSpecial(tokenizer.idOf("fox cub"))).isFalse();
        assertThat(tokenizer.encode("fox cub", false)).endsWith(tokenizer.idOf("fox cub"));
    }

    private static void compare(Tokenizer tokenizer, String text, int[] expected, List<String> wrong) {
        int[] found = tokenizer.encode(text, false);
        if (!Arrays.equals(found, expected)) {
            wrong.add(JsonMapper.shared().writeValueAsString(text) + " expected " + Arrays.toString(expected)
                    + " found " + Arrays.toString(found));
        }
    }

    /**
     * Token by token to the text that the library gives (bench/reference/decoded_strings.py). The library takes a leading
     * space off a text; ours may continue another, see TokenDecoder.
     */
    private static void decodes(Tokenizer tokenizer, JsonNode strings, JsonNode ids, Path folder) throws IOException {
        JsonNode texts = JsonMapper.shared().readTree(Files.readAllBytes(folder.resolve("decoded.json")));
        assertThat(texts.size()).isEqualTo(strings.size()).isEqualTo(ids.size());
        List<String> wrong = new ArrayList<>();
        for (int i = 0; i < texts.size(); i++) {
            // Null: the string itself.
            String expected = (texts.get(i).isNull() ? strings : texts).get(i).asString();
            StringBuilder found = new StringBuilder();
            if (!decode(tokenizer, ids(ids.get(i)), found)
                    || !found.toString().equals(expected) && !found.toString().equals(" " + expected)) {
                wrong.add(JsonMapper.shared().writeValueAsString(expected) + " gave "
                        + JsonMapper.shared().writeValueAsString(found.toString()));
            }
        }
        assertThat(wrong).isEmpty();
    }

    /** Whether every piece is of whole characters: half a one would be a replacement or half a surrogate pair. */
    private static boolean decode(Tokenizer tokenizer, int[] ids, StringBuilder text) {
        StreamingDecoder decoder = new StreamingDecoder(tokenizer, List.of());
        boolean whole = true;
        for (int id : ids) {
            String piece = decoder.append(id);
            whole &= piece.isEmpty() || !Character.isHighSurrogate(piece.charAt(piece.length() - 1));
            text.append(piece);
        }
        String rest = decoder.finish();
        text.append(rest);
        // All strings end with a whole character, so nothing may be left.
        return whole && rest.isEmpty();
    }

    private static int[] ids(JsonNode array) {
        return array.valueStream().mapToInt(JsonNode::asInt).toArray();
    }

    private static JsonNode read(String file) throws IOException {
        return JsonMapper.shared().readTree(Files.readAllBytes(KINDS.resolve(file)));
    }
}
