package dev.spandrel.engine.tokenizer.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import java.time.Duration;
import java.time.LocalDateTime;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A template from outside may fail, but not hang, fill the memory, overflow the stack or throw anything else. */
class TemplateLimitsTest {
    private static final LocalDateTime DAY = LocalDateTime.of(2026, 11, 3, 9, 5);

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
                "{% for a in range(10000000) %}{% endfor %}",
                "{% set n = namespace(s='x') %}{% for a in range(99) %}{% set n.s = n.s + n.s %}{% endfor %}{{ n.s }}",
                "{% set n = namespace(s=[1]) %}{% for a in range(99) %}{% set n.s = n.s + n.s %}{% endfor %}",
                "{% set n = namespace(s=[]) %}{% for a in range(9999) %}{% set n.s = [n.s] %}{% endfor %}{{ n.s }}",
                "{% set n = namespace(s=[]) %}{% for a in range(9999) %}{% set n.s = [n.s] %}{% endfor %}{{ n.s | tojson }}",
                "{% set n = namespace(s=[]) %}{% for a in range(9999) %}{% set n.s = [n.s] %}{% endfor %}{{ n.s == [n.s] }}",
                "{% set n = namespace(s=[]) %}{% for a in range(9999) %}{% set n.s = [n.s] %}{% endfor %}{{ {'a': 1}[n.s] }}",
                "{{ 'x' * 999999999999 }}",
                "{{ [1] * 999999999 }}",
                "{{ 2 ** 99999999999 }}",
                "{{ 9223372036854775807 + 1 }}",
                "{{ 99999999999999999999 }}",
                "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
                "{{ ('a' * 4000000).replace('a', 'aaaaaaaa') }}",
                "{% set x = 'a' * 4000000 %}{% for i in range(99999) %}{% set y = x.upper() %}{% endfor %}",
                "{% for i in range(99999) %}{{ 'x' * 1000 }}{% endfor %}",
                "{{ 1 // 0 }}",
                "{{ messages.append(1) }}",
                "{{ ''.__class__.__mro__ }}",
                "{{ messages[0].getClass() }}",
                "{% include 'file' %}",
                "{% for x in [1] recursive %}{% endfor %}",
                "{% if true %}",
                "{{ 'open }}",
                "{{ (1 }}",
                "{# open",
                "{% raw %}",
                "{% endif %}",
                "{% break %}",
                "{{ 1 | nosuch }}",
                "{{ 1 is nosuch }}",
                "{{ \"%s %s\" % 'one' }}",
                "{{ }}",
                "{{ a[] }}"
            })
    void failsInOrder(String source) {
        Assertions.assertTimeoutPreemptively(
                Duration.ofSeconds(20),
                () -> assertThatThrownBy(() -> render(source)).isInstanceOf(TemplateException.class));
    }

    @Test
    void refusesDeepNesting() {
        for (String open : List.of("(", "[", "-", "not ", "{1:", "a[", "f(", "a if ")) {
            assertThatThrownBy(() -> render("{{ " + open.repeat(100_000) + " }}"))
                    .as(open)
                    .isInstanceOf(TemplateException.class);
        }
        assertThatThrownBy(() -> render("{% if 1 %}".repeat(10_000))).isInstanceOf(TemplateException.class);
        assertThatThrownBy(() -> render("{% if 1 %}" + "{% elif 1 %}".repeat(10_000) + "{% endif %}"))
                .isInstanceOf(TemplateException.class);
    }

    /** Long chains are no nesting to a reader, but they are to closures within closures. */
    @Test
    void refusesLongChainsAndRendersThoseOfRealLength() {
        for (String more :
                List.of("+1", "~1", " and 1", " or 1", "|abs", ".a", " < 9", "**1", " if 1 else 1", "[0]", "()")) {
            assertThatThrownBy(() -> render("{{ 1" + more.repeat(50_000) + " }}"))
                    .as(more)
                    .isInstanceOf(TemplateException.class);
        }
        assertThat(render("{{ 0" + "+1".repeat(400) + " }}")).isEqualTo("400");
        assertThat(render("{{ 1" + "|abs".repeat(400) + " }}")).isEqualTo("1");
    }

    @Test
    void deepCallsOfLongExpressionsFailInOrderOnASmallStack() throws InterruptedException {
        String source = "{% macro f(n) %}{{ " + "1 + ".repeat(300) + "(f(n + 1) | length) }}{% endmacro %}{{ f(0) }}";
        Throwable[] thrown = new Throwable[1];
        Thread small = new Thread(null, () -> render(source), "small stack", 256 * 1024);
        small.setUncaughtExceptionHandler((thread, e) -> thrown[0] = e);
        small.start();
        small.join();
        assertThat(thrown[0]).isInstanceOf(TemplateException.class);
    }

    @Test
    void writesTheDateAsPythonDoes() {
        assertThat(render("{{ strftime_now('%d %b %Y, %A %-d.%-m.%y %H:%M:%S %p 100%% %B %j') }}"))
                .isEqualTo("03 Nov 2026, Tuesday 3.11.26 09:05:00 AM 100% November 307");
    }

    @Test
    void mutatedTemplatesOnlyFailAsTemplates() {
        String source =
                "{%- set ns = namespace(i=0) -%}{% for m in messages if m.role != 'x' %}{{ loop.index ~ m['role'] | upper }}"
                        + "{% set ns.i = ns.i + 1 %}{% if ns.i % 2 == 0 and not loop.last %}[{{ m.content[1:-1] | trim | tojson }}]{% else %}"
                        + "{{ {'a': [1, 2.5]}.items() | list }}{% endif %}{% endfor %}{% macro f(a, b='c') %}{{ a }}{{ b }}{% endmacro %}{{ f(1) }}";
        long base = Long.getLong("template.seed", 20_261_123L);
        int rendered = 0;
        for (int i = 0; i < 20_000; i++) {
            SplittableRandom random = new SplittableRandom(base + i);
            String mutated = mutate(source, random);
            try {
                render(mutated);
                rendered++;
            } catch (TemplateException expected) {
                assertThat(expected.getMessage()).isNotBlank();
            } catch (RuntimeException | Error e) {
                fail("template.seed=" + (base + i) + ": " + mutated, e);
            }
        }
        assertThat(rendered).isBetween(100, 19_900);
    }

    private static String mutate(String source, SplittableRandom random) {
        StringBuilder mutated = new StringBuilder(source);
        String parts = "{}%#[]()|.,:~'\"-+*/=<>!0123456789abcnmit \n";
        for (int i = random.nextInt(3); i >= 0; i--) {
            int at = random.nextInt(mutated.length());
            int end = Math.min(mutated.length(), at + random.nextInt(6));
            switch (random.nextInt(3)) {
                case 0 -> mutated.setCharAt(at, parts.charAt(random.nextInt(parts.length())));
                case 1 -> mutated.delete(at, end);
                default -> mutated.insert(random.nextInt(mutated.length()), mutated.substring(at, end));
            }
        }
        return mutated.toString();
    }

    private static String render(String source) {
        Map<String, Object> variables = new HashMap<>();
        variables.put("messages", List.of(message("user", " Hi "), message("assistant", "Yo"), message("user", "ok")));
        return Template.parse(source, () -> DAY).render(variables);
    }

    private static Map<String, Object> message(String role, String content) {
        return new HashMap<>(Map.of("role", role, "content", content));
    }
}
