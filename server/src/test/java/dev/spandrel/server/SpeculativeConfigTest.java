package dev.spandrel.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.spandrel.engine.NgramSpeculation;
import org.junit.jupiter.api.Test;

class SpeculativeConfigTest {
    private final SpeculativeConfig converter = new SpeculativeConfig();

    @Test
    void readsWhatVllmTakes() {
        assertThat(
                        converter.convert(
                                "{\"method\":\"ngram\",\"num_speculative_tokens\":4,\"prompt_lookup_max\":4,\"prompt_lookup_min\":2}"))
                .isEqualTo(new NgramSpeculation(4, 2, 4));
        assertThat(converter.convert("{\"num_speculative_tokens\":3}")).isEqualTo(new NgramSpeculation(3, 5, 5));
    }

    @Test
    void saysWhatIsWrong() {
        assertThatThrownBy(() -> converter.convert("ngram")).hasMessageContaining("not valid JSON");
        assertThatThrownBy(() -> converter.convert("{\"method\":\"eagle\"}")).hasMessageContaining("eagle");
        assertThatThrownBy(() -> converter.convert("{\"tokens\":4}")).hasMessageContaining("found tokens");
        assertThatThrownBy(() -> converter.convert("{\"num_speculative_tokens\":\"4\"}"))
                .hasMessageContaining("whole number");
        assertThatThrownBy(() -> converter.convert("{\"method\":\"ngram\"}"))
                .hasMessageContaining("num_speculative_tokens");
    }
}
