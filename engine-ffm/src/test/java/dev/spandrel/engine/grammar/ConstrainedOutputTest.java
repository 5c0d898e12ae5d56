package dev.spandrel.engine.grammar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.OutputConstraint;
import dev.spandrel.engine.tokenizer.Tokenizer;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.exc.JsonNodeException;
import tools.jackson.databind.json.JsonMapper;

/** Whatever is chosen among the allowed tokens, the output has its form; judged by the JDK's regex and a JSON schema validator. */
@Timeout(120)
class ConstrainedOutputTest {
    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(StreamReadFeature.USE_FAST_DOUBLE_PARSER)
            .build();
    private static final Tokenizer TINY = Tokenizer.open(Path.of("../models/spandrel-tiny"));
    private static final GrammarRun RUN = new GrammarRun(TINY, 2);
    private static final SchemaRegistry REGISTRY =
            SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12);

    @Test
    void everyOutputIsValidForItsSchema() {
        long seed = Long.getLong("spandrel.seed", System.nanoTime());
        Random random = new Random(seed);
        int schemas = Integer.getInteger("spandrel.schemas", 150);
        int undecided = 0;
        for (int i = 0; i < schemas; i++) {
            String schema = new RandomSchema(random).write();
            Schema judge = REGISTRY.getSchema(schema, InputFormat.JSON);
            for (int max : new int[] {30, 300}) {
                try {
                    check(schema, judge, max, random, seed);
                } catch (JsonNodeException e) {
                    // The judge holds a number of one alternative against the whole bounds of another as a long.
                    assertThat(e).as("seed %s, %s", seed, schema).hasMessageContaining("not in 64-bit `long` range");
                    undecided++;
                }
            }
        }
        assertThat(undecided).as("outputs without a verdict, seed %s", seed).isLessThanOrEqualTo(schemas / 20);
    }

    private static void check(String schema, Schema judge, int max, Random random, long seed) {
        GrammarRun.Output output;
        try {
            output = RUN.write(new OutputConstraint.JsonSchema(schema), max, random);
        } catch (EngineException.InvalidRequest e) {
            assertThat(e).as("seed %s, %s", seed, schema).hasMessageContaining("too few");
            return;
        }
        String said = "seed " + seed + ", at most " + max + " tokens, schema " + schema + "\noutput " + output;
        assertThat(output.tokens()).as(said).isLessThanOrEqualTo(max);
        JSON.readTree(output.text());
        assertThat(judge.validate(
                        output.text(),
                        InputFormat.JSON,
                        context -> context.executionConfig(config -> config.formatAssertionsEnabled(true))))
                .as(said)
                .isEmpty();
    }

    @Test
    void jsonObjectsParse() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int i = 0; i < 200; i++) {
            int max = 2 + random.nextInt(200);
            GrammarRun.Output output = RUN.write(new OutputConstraint.JsonObject(), max, random);
            assertThat(JSON.readTree(output.text()).isObject())
                    .as("seed %s: %s", seed, output)
                    .isTrue();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "[a-z]+",
                "(foo|bar)*baz",
                "\\d{3}-\\d{4}",
                "[^\\x00-\\x7f]{2}",
                "(?:[01]?[0-9]{1,2}\\.){3}x",
                "^a.c$",
                "ä|ö+|[α-ω]{1,3}",
                "((a|b){2,3}c){1,1000}",
                "\\w+@\\w+\\.(com|org)",
                "[\\u0041-\\u0043\\]\\-]{4}",
                "a{0}b{2,}c??",
                "(?<year>[0-9]{4})(-(?P<month>[01][0-9]))?",
                "\\u{1F600}|\\ud83d\\ude01",
                "x{0,2000}y"
            })
    void regularExpressionsMatch(String pattern) {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        Pattern judge =
                Pattern.compile(pattern.replace("(?P<", "(?<").replace("\\u{1F600}", "\\x{1F600}"), Pattern.DOTALL);
        for (int i = 0; i < 20; i++) {
            GrammarRun.Output output = RUN.write(new OutputConstraint.Regex(pattern), 20 + random.nextInt(60), random);
            assertThat(output.text()).as("seed %s", seed).matches(judge);
        }
    }

    @Test
    void choicesAreTheOnlyTexts() {
        List<String> choices = List.of("yes", "no", "not at all", "vielleicht später");
        Random random = new Random(4);
        for (int i = 0; i < 40; i++) {
            assertThat(RUN.write(new OutputConstraint.Choice(choices), 30, random)
                            .text())
                    .isIn(choices);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "(?=a)b; (?=",
                "(?<!a)b; (?<!",
                "(?i)a; (?i)",
                "\\bword; word boundary",
                "(a)\\1; \\1",
                "a(b; expected )",
                "a)b; unmatched )",
                "[b-a]; ascend",
                "*a; nothing to repeat",
                "a$b; anchor",
                "[a; expected ]",
                "x{5,2}; ascending",
                "\\p{L}; \\p"
            })
    void patternsThatAreNotUnderstoodSayWhy(String pattern, String why) {
        assertThatThrownBy(() -> RUN.grammars().constraint(new OutputConstraint.Regex(pattern), 100, false))
                .isInstanceOf(EngineException.InvalidRequest.class)
                .hasMessageContaining(why);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "{\"not\":{}}; `not`",
                "{\"type\":\"array\",\"contains\":{}}; `contains`",
                "{\"type\":\"number\",\"multipleOf\":2}; `multipleOf`",
                "{\"type\":\"array\",\"uniqueItems\":true}; `uniqueItems`",
                "{\"type\":\"thing\"}; thing",
                "{\"properties\":{\"a\":{\"if\":{}}}}; #/properties/a",
                "{\"$ref\":\"#/$defs/x\"}; points nowhere",
                "{\"$ref\":\"http://example.com/s\"}; only point into the schema",
                "{\"$ref\":\"#\"}; itself",
                "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#\"}},\"required\":[\"a\"]}; itself without an end",
                "{\"anyOf\":[{\"$ref\":\"#\"},{\"type\":\"null\"}]}; begins with itself",
                "{\"oneOf\":[{\"type\":\"number\"},{\"type\":\"integer\"}]}; may overlap",
                "{\"type\":\"string\",\"format\":\"color\"}; supported are",
                "{\"type\":\"integer\",\"minimum\":3,\"maximum\":2}; no integer",
                "{\"type\":\"string\",\"pattern\":\"(?=a)\"}; (?=",
                "[1]; expected a schema",
                "{; not valid JSON",
                "false; accepts no value",
                "{\"type\":\"array\",\"minItems\":3,\"maxItems\":1}; minItems"
            })
    void schemasThatAreNotSupportedSayWhy(String schema, String why) {
        assertThatThrownBy(() -> RUN.grammars().constraint(new OutputConstraint.JsonSchema(schema), 100, false))
                .isInstanceOf(EngineException.InvalidRequest.class)
                .hasMessageContaining(why);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "{\"type\":\"colour\"}; tools.1.function.parameters; found colour at #",
                "{\"properties\":{\"a\":{\"not\":{}}}}; tools.1.function.parameters; `not` at #/properties/a,",
                "{\"pattern\":\"(?=a)\"}; tools.1.function.parameters; (?=",
                "{\"$ref\":\"#/items/anyOf/1/$defs/x\"}; tools.1.function.parameters; points nowhere: #/$defs/x at #/$defs/x",
                "{\"$ref\":\"#/items/anyOf/12\"}; tools; points nowhere: #/items/anyOf/12 at #/items/anyOf/12"
            })
    void whatIsWrongInAPartNamesTheFieldThatThePartCameFrom(String part, String field, String why) {
        var schema = new OutputConstraint.JsonSchema(
                "{\"type\":\"array\",\"items\":{\"anyOf\":[{\"type\":\"null\"}," + part + "]}}",
                java.util.Map.of("#", "tools", "#/items/anyOf/1", "tools.1.function.parameters"));
        assertThatThrownBy(() -> RUN.grammars().constraint(schema, 100, false))
                .isInstanceOfSatisfying(
                        EngineException.InvalidRequest.class,
                        e -> assertThat(e.parameter()).isEqualTo(field))
                .hasMessageContaining(why)
                .message()
                .doesNotContain("anyOf/1/");
    }

    @Test
    void tooLargeAFormIsRefusedInTime() {
        StringBuilder schema = new StringBuilder("{\"type\":\"object\",\"properties\":{");
        for (int i = 0; i < 900; i++) {
            schema.append(i > 0 ? "," : "")
                    .append("\"p")
                    .append(i)
                    .append("\":{\"pattern\":\"(\\\\w|[ä-ü]){1,9}x*[^q]\"}");
        }
        assertThatThrownBy(() -> RUN.grammars()
                        .constraint(
                                new OutputConstraint.JsonSchema(
                                        schema.append("}}").toString()),
                                100,
                                false))
                .isInstanceOf(EngineException.InvalidRequest.class)
                .hasMessageContaining("too large");
        assertThatThrownBy(() -> RUN.grammars()
                        .constraint(new OutputConstraint.Regex("(".repeat(5000) + ")".repeat(5000)), 100, false))
                .hasMessageContaining("nested");
    }

    /** 60,000 tokens of letters: the walk must come to the last of them. */
    @Test
    void aLargeVocabularyIsLookedAtToItsEnd() {
        java.util.List<byte[]> words = new java.util.ArrayList<>();
        for (int b = 0; b < 256; b++) {
            words.add(new byte[] {(byte) b});
        }
        Random random = new Random(5);
        while (words.size() < 60_000) {
            byte[] word = new byte[2 + random.nextInt(8)];
            for (int i = 0; i < word.length; i++) {
                word[i] = (byte) ('a' + random.nextInt(26));
            }
            words.add(word);
        }
        TokenTrie trie = new TokenTrie(new ByteWords(words), words.size());
        TokenGrammar grammar = new TokenGrammar(
                Grammars.compile(new OutputConstraint.JsonObject()), trie, words.size(), new int[0], null);
        GrammarState inString = grammar.step(grammar.start(), new byte[] {'{', '"'}, Turn.ALONE);
        long[] mask = grammar.mask(inString, Turn.ALONE).bits();
        for (int id = 256; id < words.size(); id++) {
            assertThat(TokenMask.contains(mask, id)).isTrue();
        }
    }

    /** More than the 256 places that a state may have: none may be lost. */
    @Test
    void noneOfManyChoicesIsLost() {
        List<String> choices = java.util.stream.IntStream.range(0, 1_000)
                .mapToObj(i -> "x".repeat(i % 7) + "choice " + i)
                .toList();
        for (OutputConstraint form : List.of(
                new OutputConstraint.Choice(choices),
                new OutputConstraint.JsonSchema(JSON.writeValueAsString(java.util.Map.of("enum", choices))))) {
            boolean quoted = form instanceof OutputConstraint.JsonSchema;
            GrammarMatcher matcher = new GrammarMatcher(Grammars.compile(form));
            for (String choice : choices) {
                GrammarState state = matcher.start();
                for (byte b :
                        (quoted ? "\"" + choice + "\"" : choice).getBytes(java.nio.charset.StandardCharsets.UTF_8)) {
                    state = matcher.step(state, b & 0xff, Turn.ALONE);
                }
                assertThat(state.accepting()).as(choice).isTrue();
            }
        }
    }

    @Test
    void tooFewTokensForAnyTextAreRefusedAtTheDoor() {
        assertThatThrownBy(() -> RUN.grammars().constraint(new OutputConstraint.Regex("[0-9]{40}"), 10, false))
                .isInstanceOf(EngineException.InvalidRequest.class)
                .hasMessageContaining("max_tokens 10")
                .hasMessageContaining("40 tokens");
    }

    @Test
    void everyCharacterIsInExactlyTheSetsThatHoldIt() {
        Random random = new Random(8);
        for (int i = 0; i < 200; i++) {
            int from = random.nextInt(0x110000);
            int to = Math.min(0x10ffff, from + random.nextInt(1 << random.nextInt(20)));
            CodePoints set = CodePoints.of(new CodePoints.Range(from, to));
            if (set.isEmpty()) {
                continue;
            }
            GrammarMatcher matcher =
                    new GrammarMatcher(GrammarCompiler.compile("x", java.util.Map.of("c", Utf8Ranges.of(set)), "c"));
            for (int c : new int[] {from, to, from - 1, to + 1, random.nextInt(0x110000), (from + to) / 2}) {
                if (c >= 0 && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff)) {
                    GrammarState state = matcher.start();
                    for (byte b : Character.toString(c).getBytes(java.nio.charset.StandardCharsets.UTF_8)) {
                        state = matcher.step(state, b & 0xff, Turn.ALONE);
                    }
                    assertThat(state.complete()).as("%x in %x-%x", c, from, to).isEqualTo(set.contains(c));
                }
            }
        }
    }
}
