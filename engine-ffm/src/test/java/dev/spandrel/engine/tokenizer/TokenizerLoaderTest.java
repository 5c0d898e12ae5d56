package dev.spandrel.engine.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.spandrel.engine.EngineException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.node.ObjectNode;

class TokenizerLoaderTest {
    @TempDir
    Path folder;

    @Test
    void saysWhatItLookedForAndFound() throws IOException {
        assertThat(problems())
                .containsExactly(
                        "no tokenizer: looked for tokenizer.json, or vocab.json with merges.txt; found none of them");
        Files.writeString(folder.resolve("vocab.json"), "{}");
        Files.writeString(folder.resolve("tokenizer.model"), "x");
        assertThat(problems()).singleElement().asString().endsWith("found only vocab.json, tokenizer.model");
    }

    @Test
    void refusesAClassWithASplitOfItsOwn() throws IOException {
        ModelFolder.copyVocabAndMerges(folder);
        config("{\"tokenizer_class\":\"Qwen2Tokenizer\"}");
        assertThat(problems()).singleElement().asString().contains("expected GPT2Tokenizer", "found Qwen2Tokenizer");
    }

    @Test
    void reportsAllThatIsWrongWithAVocabulary() throws IOException {
        ModelFolder.copyVocabAndMerges(folder);
        Files.writeString(
                folder.resolve("vocab.json"),
                "{\"a\":0,\"b\":0,\"c\":-1,\"d\":4194304,\"e\":1.5,\"f\":\"7\",\"g\":99999999999}");
        assertThat(problems())
                .hasSize(6)
                .contains(
                        "token b: id 0 is already that of a", "token d: expected an id from 0 to 65647, found 4194304");
        Files.writeString(folder.resolve("vocab.json"), "{\"a\":0,\"a\":1}");
        assertThat(problems()).singleElement().asString().contains("expected JSON", "uplicate");
        Files.writeString(folder.resolve("vocab.json"), "[]");
        assertThat(problems()).containsExactly("expected a JSON object, found ARRAY");
        Files.writeString(folder.resolve("vocab.json"), "{}");
        assertThat(problems()).containsExactly("expected a vocabulary, found no token");
    }

    @Test
    void reportsAllThatIsWrongWithMerges() throws IOException {
        ModelFolder.copyVocabAndMerges(folder);
        Files.writeString(folder.resolve("merges.txt"), "#version: 0.2\r\nĠ a\r\nx\n\nqq a\na b c\nz z\n");
        EngineException.ModelLoad refused = refused();
        assertThat(refused).hasMessageContaining("merges.txt");
        assertThat(refused.problems())
                .containsExactly(
                        "line 3: expected two tokens and one space, found x",
                        "line 5: merge of qq and a: token qq is not in the vocabulary",
                        "line 6: expected two tokens and one space, found a b c",
                        "line 7: merge of z and z: token zz is not in the vocabulary");
        Files.writeString(folder.resolve("merges.txt"), "y z\n".repeat(1000));
        assertThat(problems()).hasSize(21).last().isEqualTo("and 980 more");
        Files.write(folder.resolve("merges.txt"), new byte[] {(byte) 0xff, ' ', 'a'});
        assertThat(problems()).singleElement().asString().startsWith("expected UTF-8");
    }

    @Test
    void needsATokenForEveryByteUnlessOneStandsForTheUnknown() throws IOException {
        Files.writeString(folder.resolve("vocab.json"), "{\"a\":0,\"b\":1,\"ab\":2,\"<unk>\":3}");
        Files.writeString(folder.resolve("merges.txt"), "a b\n");
        assertThat(problems()).hasSize(21).first().asString().contains("byte 0: expected its token Ā");
        config("{\"unk_token\":\"<unk>\"}");
        assertThat(Tokenizer.open(folder).encode("abxa", false)).containsExactly(2, 3, 0);
    }

    @Test
    void refusesAddedTokensThatContradictTheVocabulary() throws IOException {
        ModelFolder.copyVocabAndMerges(folder);
        config(
                "{\"added_tokens_decoder\":{\"7\":{\"content\":\"</s>\"},\"8\":{\"content\":\"<new>\"},\"x\":{\"content\":\"y\"}}}");
        assertThat(problems()).singleElement().asString().startsWith("added_tokens_decoder: expected an id");
        config("{\"added_tokens_decoder\":{\"7\":{\"content\":\"</s>\"},\"8\":{\"content\":\"<new>\"}}}");
        assertThat(problems())
                .containsExactly(
                        "token </s>: expected id 2 as elsewhere, found 7", "token <new>: id 8 is already that of %");
    }

    @Test
    void takesAddedTokensFromEveryPlace() throws IOException {
        ModelFolder.copyVocabAndMerges(folder);
        Files.writeString(folder.resolve("added_tokens.json"), "{\"<json>\":2048,\"<role>\":2049}");
        Files.writeString(
                folder.resolve("special_tokens_map.json"),
                "{\"eos_token\":{\"content\":\"</s>\"},\"additional_special_tokens\":[\"<role>\",\"<nowhere>\"]}");
        config("{\"added_tokens_decoder\":{\"2050\":{\"content\":\"<decoder>\",\"special\":true}}}");
        Tokenizer tokenizer = Tokenizer.open(folder);

        assertThat(tokenizer.encode("<json></s><role><decoder>", false)).containsExactly(2048, 2, 2049, 2050);
        assertThat(tokenizer.vocabSize()).isEqualTo(2051);
        assertThat(List.of(2, 2049, 2050)).allMatch(tokenizer::isSpecial);
        assertThat(tokenizer.isSpecial(2048)).isFalse();
        assertThat(tokenizer.bytes(2048)).asString().isEqualTo("<json>");
        assertThat(tokenizer.idOf("<nowhere>")).isEqualTo(-1);
    }

    @Test
    void wantsABosTokenWhereItIsToBeAdded() throws IOException {
        ModelFolder.copyVocabAndMerges(folder);
        config("{\"add_bos_token\":true}");
        assertThat(problems()).singleElement().asString().endsWith("found no bos_token");
        config("{\"add_bos_token\":true,\"bos_token\":\"<bos>\"}");
        assertThat(problems()).singleElement().asString().endsWith("in the vocabulary, found <bos>");
    }

    @Test
    void readsTokenizerJson() throws IOException {
        ModelFolder.writeTokenizerJson(folder, json -> {});
        assertThat(Tokenizer.open(folder).encode("x", true)).containsExactly(2, 91);
        // BOS is in the file's own template, so asking for it again adds none.
        config("{\"add_bos_token\":true,\"bos_token\":\"</s>\"}");
        assertThat(Tokenizer.open(folder).encode("x", true)).containsExactly(2, 91);
        ModelFolder.writeTokenizerJson(folder, json -> json.putNull("post_processor"));
        assertThat(Tokenizer.open(folder).encode("x", true)).containsExactly(2, 91);
        // Without merges only the whole word can be " the".
        ModelFolder.writeTokenizerJson(folder, json -> model(json).putArray("merges"));
        assertThat(Tokenizer.open(folder).encode(" the", false)).hasSize(4);
        ModelFolder.writeTokenizerJson(
                folder, json -> model(json).put("ignore_merges", true).putArray("merges"));
        assertThat(Tokenizer.open(folder).encode(" the", false)).hasSize(1);
    }

    @Test
    void refusesWhatTokenizerJsonAsksForAndThisVersionDoesNotDo() throws IOException {
        assertRefused(
                json -> model(json).put("type", "WordPiece"),
                "model.type: this version reads BPE and Unigram, found WordPiece");
        assertRefused(
                json -> part(json, "normalizer").put("type", "Precompiled"),
                "normalizer: this version reads NFC, NFD, NFKC, NFKD, Lowercase, Prepend, Replace and Sequence,"
                        + " found Precompiled");
        assertRefused(
                json -> {
                    ObjectNode sequence = part(json, "pre_tokenizer").put("type", "Sequence");
                    sequence.putArray("pretokenizers").addObject().put("type", "ByteLevel");
                    ((tools.jackson.databind.node.ArrayNode) sequence.get("pretokenizers"))
                            .addObject()
                            .put("type", "BertPreTokenizer");
                },
                "pre_tokenizer: this version reads ByteLevel, Split, Digits, Metaspace and Sequence, found"
                        + " BertPreTokenizer");
        assertRefused(
                json -> part(json, "decoder").put("type", "WordPiece"),
                "decoder: this version reads ByteLevel, ByteFallback, Replace, Metaspace, Strip, Fuse and Sequence,"
                        + " found WordPiece");
        assertRefused(json -> model(json).put("dropout", 0.1), "model.dropout: expected none, found 0.1");
        assertRefused(
                json -> part(json, "post_processor").put("type", "RobertaProcessing"),
                "post_processor: this version reads TemplateProcessing and ByteLevel, found RobertaProcessing");
        assertRefused(json -> model(json).putArray("merges").add("a"), "merge 0: expected two tokens, found \"a\"");
    }

    private void assertRefused(Consumer<ObjectNode> change, String problem) throws IOException {
        ModelFolder.writeTokenizerJson(folder, change);
        assertThat(problems()).containsExactly(problem);
    }

    private static ObjectNode model(ObjectNode json) {
        return (ObjectNode) json.get("model");
    }

    private static ObjectNode part(ObjectNode json, String name) {
        return json.putObject(name);
    }

    private void config(String json) throws IOException {
        Files.writeString(folder.resolve("tokenizer_config.json"), json);
    }

    private List<String> problems() {
        return refused().problems();
    }

    private EngineException.ModelLoad refused() {
        return catchThrowableOfType(EngineException.ModelLoad.class, () -> Tokenizer.open(folder));
    }
}
