package dev.spandrel.server.openai.tools;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Each family's way to write calls, however the text falls into pieces. */
class ToolCallParserTest {
    private static String read(ToolCallParser parser, String text, Random random) {
        FoundCalls found = new FoundCalls();
        for (int at = 0; at < text.length(); ) {
            int end = random == null ? text.length() : Math.min(text.length(), at + 1 + random.nextInt(6));
            parser.append(text.substring(at, end), found);
            at = end;
        }
        parser.finish(found);
        return found.toString();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '#',
            quoteCharacter = '`',
            value = {
                "HERMES# <tool_call>\\n{\"name\": \"f\", \"arguments\": {\"a\": [1, {\"b\": \"}\"}]}}\\n</tool_call>#|f {\"a\": [1, {\"b\": \"}\"}]}",
                "HERMES# <tool_call>{\"arguments\": {\"a\": 1}, \"name\": \"f\"}</tool_call><tool_call>{\"name\":\"g\"}</tool_call>#|f {\"a\": 1}|g {}",
                "HERMES# I will look.<tool_call>{\"name\":\"f\",\"arguments\":{}}</tool_call>#I will look.|f {}",
                "HERMES# no call, a < b <tool_ but text#no call, a < b <tool_ but text",
                "HERMES# <tool_call>{\"x\": 1}</tool_call>#{\"x\": 1}",
                "HERMES# <tool_call>{\"name\": \"f\", \"arguments\": \"{\\\\\"a\\\\\": 1}\"}</tool_call>#|f {\"a\": 1}",
                "HERMES# <tool_call>{\"name\": \"f\", \"arguments\": {\"text\": \"cut#|f {\"text\": \"cut",
                "LLAMA3_JSON# {\"name\": \"f\", \"parameters\": {\"q\": \"x; y\"}}#|f {\"q\": \"x; y\"}",
                "LLAMA3_JSON# <|python_tag|>{\"name\": \"f\", \"parameters\": {}}; {\"name\": \"g\", \"parameters\": {\"a\":null}}#|f {}|g {\"a\":null}",
                "LLAMA3_JSON# Hello {\"name\": \"f\"}#Hello {\"name\": \"f\"}",
                "LLAMA3_JSON# {\"weather\": \"fine\"}#{\"weather\": \"fine\"}",
                "MISTRAL# [TOOL_CALLS][{\"name\": \"f\", \"arguments\": {\"a\": 1}}, {\"name\": \"g\", \"arguments\": {}}]#|f {\"a\": 1}|g {}",
                "MISTRAL# Hm.[TOOL_CALLS]f{\"a\": {\"b\": 2}}[TOOL_CALLS]g[ARGS]{}#Hm.|f {\"a\": {\"b\": 2}}|g {}",
                "MISTRAL# [1, 2] is a list#[1, 2] is a list",
                "PYTHONIC# [f(city='Paris', n=-2, ok=True), g()]#|f {\"city\":\"Paris\",\"n\":-2,\"ok\":true}|g {}",
                "PYTHONIC# [f(a=[1, 2.5, None], b={'k': \"v\\\\t\"})]#|f {\"a\":[1,2.5,null],\"b\":{\"k\":\"v\\\\t\"}}",
                "PYTHONIC# [not a call]#[not a call]",
                "PYTHONIC# plain text#plain text"
            })
    void callsAreFoundHoweverTheTextIsCut(ToolCallFamily family, String text, String expected) {
        String written = text.strip().replace("\\n", "\n").replace("\\\\", "\\");
        String wanted = expected.replace("\\\\", "\\");
        assertThat(read(family.parser(), written, null)).isEqualTo(wanted);
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int i = 0; i < 50; i++) {
            assertThat(read(family.parser(), written, random))
                    .as("seed %s", seed)
                    .isEqualTo(wanted);
        }
    }

    @Test
    void argumentsComeAsTheyAreWritten() {
        FoundCalls found = new FoundCalls();
        ToolCallParser parser = ToolCallFamily.HERMES.parser();
        parser.append("<tool_call>{\"name\": \"f\", \"arguments\": {\"text\": \"once upon", found);
        assertThat(found.toString()).isEqualTo("|f {\"text\": \"once upon");
        parser.append(" a time\"}", found);
        assertThat(found.toString()).isEqualTo("|f {\"text\": \"once upon a time\"}");
    }

    @Test
    void textBeforeACallIsNotHeldBackLongerThanItMust() {
        FoundCalls found = new FoundCalls();
        ToolCallFamily.HERMES.parser().append("See <too", found);
        assertThat(found.content).hasToString("See ");
    }

    @Test
    void familiesAreRecognisedByTheirTemplates() {
        assertThat(ToolCallFamily.of("… within <tool_call></tool_call> XML tags …"))
                .contains(ToolCallFamily.HERMES);
        assertThat(ToolCallFamily.of("{{ '[TOOL_CALLS]' }}")).contains(ToolCallFamily.MISTRAL);
        assertThat(ToolCallFamily.of("{\"name\": function name, \"parameters\": dictionary of argument name"))
                .contains(ToolCallFamily.LLAMA3_JSON);
        assertThat(ToolCallFamily.of("[func_name1(params_name1=params_value1)]"))
                .contains(ToolCallFamily.PYTHONIC);
        assertThat(ToolCallFamily.of("{{ messages[0].content }}")).isEmpty();
    }
}
