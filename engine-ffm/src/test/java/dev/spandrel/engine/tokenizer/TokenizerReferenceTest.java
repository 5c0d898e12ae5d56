package dev.spandrel.engine.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Holds the tokenizer to what Hugging Face's tokenizers and the training program gave (bench/reference, golden.json). */
class TokenizerReferenceTest {
    private static final JsonNode CASES = resource("/tokenizer-cases.json");
    private static final JsonNode GOLDEN = resource("/golden.json").path("cases");

    @TempDir
    Path folder;

    @Test
    void encodesAsHuggingFaceDoes() {
        assertThat(CASES.path("plain").size()).isEqualTo(2000);
        assertThat(differing(ModelFolder.bundledTokenizer(), "plain")).isEmpty();
    }

    @Test
    void encodesTheSameFromTokenizerJson() throws IOException {
        ModelFolder.writeTokenizerJson(folder, json -> {});
        assertThat(differing(Tokenizer.open(folder), "plain")).isEmpty();
    }

    @Test
    void encodesWithAPrefixSpace() throws IOException {
        ModelFolder.copyVocabAndMerges(folder);
        Files.writeString(
                folder.resolve("tokenizer_config.json"),
                "{\"add_prefix_space\":true,\"eos_token\":\"</s>\",\"pad_token\":\"<pad>\"}");
        assertThat(differing(Tokenizer.open(folder), "prefix_space")).isEmpty();
    }

    @Test
    void cutsOutAddedTokensOfEveryKind() throws IOException {
        ModelFolder.copyVocabAndMerges(folder);
        ObjectNode config =
                JsonMapper.shared().createObjectNode().put("eos_token", "</s>").put("pad_token", "<pad>");
        config.set("added_tokens_decoder", CASES.path("added_tokens"));
        Files.writeString(folder.resolve("tokenizer_config.json"), config.toString());

        assertThat(differing(Tokenizer.open(folder), "added")).isEmpty();
    }

    @Test
    void decodesAsHuggingFaceDoes() {
        Tokenizer tokenizer = ModelFolder.bundledTokenizer();
        List<String> wrong = new ArrayList<>();
        for (JsonNode pair : CASES.path("decoded")) {
            String decoded = decode(tokenizer, ids(pair.get(0)));
            if (!decoded.equals(pair.get(1).asString())) {
                wrong.add(pair + " gave " + decoded);
            }
        }
        assertThat(wrong).isEmpty();
    }

    @Test
    void agreesWithTheGoldenFile() {
        Tokenizer tokenizer = ModelFolder.bundledTokenizer();
        for (JsonNode golden : GOLDEN) {
            String prompt = golden.path("prompt").asString();
            assertThat(tokenizer.encode(prompt, true)).as(prompt).containsExactly(ids(golden.path("token_ids")));
            assertThat(decode(tokenizer, ids(golden.path("greedy_ids"))))
                    .isEqualTo(golden.path("greedy_text").asString());
            assertThat(decode(tokenizer, ids(golden.path("token_ids")))).isEqualTo(prompt);
        }
    }

    private static List<String> differing(Tokenizer tokenizer, String section) {
        List<String> wrong = new ArrayList<>();
        assertThat(CASES.path(section)).isNotEmpty();
        for (JsonNode pair : CASES.path(section)) {
            int[] found = tokenizer.encode(pair.get(0).asString(), false);
            if (!java.util.Arrays.equals(found, ids(pair.get(1)))) {
                wrong.add(pair + " gave " + java.util.Arrays.toString(found));
            }
        }
        return wrong;
    }

    private static String decode(Tokenizer tokenizer, int[] ids) {
        StreamingDecoder decoder = new StreamingDecoder(tokenizer, List.of());
        StringBuilder text = new StringBuilder();
        for (int id : ids) {
            text.append(decoder.append(id));
        }
        return text.append(decoder.finish()).toString();
    }

    private static int[] ids(JsonNode array) {
        return array.valueStream().mapToInt(JsonNode::asInt).toArray();
    }

    private static JsonNode resource(String name) {
        try (InputStream in = TokenizerReferenceTest.class.getResourceAsStream(name)) {
            return JsonMapper.shared().readTree(in);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
