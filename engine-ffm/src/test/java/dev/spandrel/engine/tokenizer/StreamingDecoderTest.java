package dev.spandrel.engine.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class StreamingDecoderTest {
    private final ByteTokens tokens = new ByteTokens();

    @Test
    void emitsWholeCharactersOnly() {
        byte[] smile = "🙂".getBytes(StandardCharsets.UTF_8);
        StreamingDecoder decoder = decoder();
        assertThat(decoder.append(tokens.add((byte) 'a', smile[0]))).isEqualTo("a");
        assertThat(decoder.append(tokens.add(smile[1], smile[2]))).isEmpty();
        assertThat(decoder.append(tokens.add(smile[3], (byte) 'b', smile[0]))).isEqualTo("🙂b");
        assertThat(decoder.finish()).isEqualTo("\ufffd");
        assertThat(decoder.finish()).isEmpty();
    }

    /** Every code point, split before each of its bytes. */
    @Test
    void joinsEveryCharacterHoweverItIsCut() {
        StringBuilder out = new StringBuilder();
        for (int codePoint = 0; codePoint <= Character.MAX_CODE_POINT; codePoint++) {
            if (codePoint >= Character.MIN_SURROGATE && codePoint <= Character.MAX_SURROGATE) {
                continue;
            }
            byte[] bytes = Character.toString(codePoint).getBytes(StandardCharsets.UTF_8);
            Utf8Decoder utf8 = new Utf8Decoder();
            out.setLength(0);
            for (int i = 0; i < bytes.length; i++) {
                assertThat(out).hasSize(0);
                utf8.append(new byte[] {bytes[i]}, out);
            }
            utf8.finish(out);
            assertThat(out.toString()).isEqualTo(Character.toString(codePoint));
        }
    }

    /** The examples of Unicode 16, tables 3-8 to 3-11, and what Python 3.11 gives for the others. */
    @Test
    void replacesMaximalSubparts() {
        assertThat(decode(0xc0, 0xaf, 0xe0, 0x80, 0xbf, 0xf0, 0x81, 0x82, 0x41)).isEqualTo("\ufffd".repeat(8) + "A");
        assertThat(decode(0xed, 0xa0, 0x80, 0xed, 0xbf, 0xbf, 0xed, 0xaf, 0x41)).isEqualTo("\ufffd".repeat(8) + "A");
        assertThat(decode(0xf4, 0x91, 0x92, 0x93, 0xff, 0x41, 0x80, 0xbf, 0x42))
                .isEqualTo("\ufffd".repeat(5) + "A" + "\ufffd".repeat(2) + "B");
        assertThat(decode(0xe1, 0x80, 0xe2, 0xf0, 0x91, 0x92, 0xf1, 0xbf, 0x41)).isEqualTo("\ufffd".repeat(4) + "A");
        assertThat(decode(0xf0, 0x9f, 0x99)).isEqualTo("\ufffd");
        assertThat(decode(0xf5, 0x80)).isEqualTo("\ufffd\ufffd");
    }

    @Test
    void leavesSpecialTokensOut() {
        byte[] e = "é".getBytes(StandardCharsets.UTF_8);
        StreamingDecoder decoder = decoder();
        assertThat(decoder.append(tokens.add(e[0]))).isEmpty();
        assertThat(decoder.append(ByteTokens.SPECIAL)).isEmpty();
        assertThat(decoder.append(tokens.add(e[1]))).isEqualTo("é");
    }

    @Test
    void holdsBackNoMoreThanAStopStringNeeds() {
        StreamingDecoder decoder = decoder("\n\nUser:", "STOP");
        assertThat(append(decoder, "one\n")).isEqualTo("one");
        assertThat(append(decoder, "two\n\nUs")).isEqualTo("\ntwo");
        assertThat(append(decoder, "ed\n\n\n")).isEqualTo("\n\nUsed\n");
        assertThat(append(decoder, "User")).isEmpty();
        assertThat(decoder.stopReason()).isEmpty();
        assertThat(append(decoder, ": more")).isEmpty();
        assertThat(decoder.stopReason()).contains("\n\nUser:");
        assertThat(append(decoder, "and more")).isEmpty();
        assertThat(decoder.finish()).isEmpty();
    }

    @Test
    void releasesWhatWasHeldBackAtTheEnd() {
        StreamingDecoder decoder = decoder("STOP");
        assertThat(append(decoder, "a STO")).isEqualTo("a ");
        assertThat(decoder.finish()).isEqualTo("STO");
        assertThat(decoder.stopReason()).isEmpty();
    }

    @Test
    void choosesTheStopStringCompleteFirstThenTheFirstInTheList() {
        assertStop("foo END bar STOP", "foo ", "END", "STOP", "END");
        assertStop("xabcd", "xa", "bc", "abcd", "bc");
        assertStop("xabc", "xa", "bc", "bc", "abc");
        assertStop("xabc", "x", "abc", "abc", "bc");
        assertStop("aaab", "a", "aab", "aab");
    }

    @Test
    void findsStopStringsThatAreNotAscii() {
        assertStop("ein 🙂🙃 da", "ein 🙂", "🙃", "🙃");
        // The first half of 🙂 in UTF-16 is no character, so it is found nowhere.
        assertStop("ein 🙂", "ein 🙂", null, "\ud83d");
        StreamingDecoder decoder = decoder("\ufffd");
        decoder.append(tokens.add((byte) 'a', (byte) 0xf0));
        assertThat(decoder.finish()).isEmpty();
        assertThat(decoder.stopReason()).contains("\ufffd");
    }

    @Test
    void refusesAnEmptyStopString() {
        assertThatThrownBy(() -> decoder("a", ""))
                .isInstanceOf(dev.spandrel.engine.EngineException.InvalidRequest.class);
    }

    private void assertStop(String text, String expected, String reason, String... stop) {
        StreamingDecoder whole = decoder(stop);
        assertThat(append(whole, text) + whole.finish()).isEqualTo(expected);
        assertThat(whole.stopReason().orElse(null)).isEqualTo(reason);
        StreamingDecoder pieces = decoder(stop);
        StringBuilder joined = new StringBuilder();
        for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
            joined.append(pieces.append(tokens.add(b)));
        }
        assertThat(joined.append(pieces.finish()).toString()).isEqualTo(expected);
        assertThat(pieces.stopReason().orElse(null)).isEqualTo(reason);
    }

    private String decode(int... bytes) {
        StreamingDecoder decoder = decoder();
        List<String> pieces = new ArrayList<>();
        for (int b : bytes) {
            pieces.add(decoder.append(tokens.add((byte) b)));
        }
        pieces.add(decoder.finish());
        return String.join("", pieces);
    }

    private String append(StreamingDecoder decoder, String text) {
        return decoder.append(tokens.add(text));
    }

    private StreamingDecoder decoder(String... stop) {
        return new StreamingDecoder(tokens, List.of(stop));
    }
}
