package dev.spandrel.engine.backend.cpu;

import static dev.spandrel.engine.backend.cpu.Assembler.Register.R10;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.R11;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.R12;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.R13;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.R8;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.RAX;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.RBP;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.RBX;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.RDI;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.RSI;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.RSP;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.spandrel.engine.backend.WeightFormat;
import dev.spandrel.engine.backend.cpu.Assembler.Memory;
import dev.spandrel.engine.backend.cpu.Assembler.Register;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Our encoder against GNU as, where it is installed, and against bytes written down once, everywhere. */
class AssemblerTest {
    @TempDir
    private Path folder;

    @Test
    void someInstructionsAreTheseBytes() {
        Assembler code = new Assembler()
                .vector("vfmadd231ps", 23, 27, 31)
                .vector("vpdpbusd", 8, 25, Memory.at(R10, RSI, 1, 16).broadcastOne())
                .vector("vdpbf16ps", 0, 24, 28)
                .multiplyTiles("tdpbf16ps", 0, 4, 6)
                .ret();
        assertThat(HexFormat.of().formatHex(code.bytes()))
                .isEqualTo("6282 2540 b8ff 6252 3550 504432 04 6292 3e40 52c4 c4e24a5cc4 c3".replace(" ", ""));
    }

    @Test
    void everyFormIsWhatGnuAsGives() throws Exception {
        Assembler code = new Assembler();
        Register[] bases = {RDI, RSP, RBP, R8, R10, R11, R12, R13, RAX};
        int[] displacements = {0, 4, 64, 127, 128, 2112, -64, -8192, 100_000};
        for (Register base : bases) {
            for (int displacement : displacements) {
                Memory plain = Memory.at(base, displacement);
                Memory indexed = Memory.at(base, RSI, 2, displacement);
                Memory high = Memory.at(base, R8, 8, displacement);
                for (Memory memory : new Memory[] {plain, indexed, high}) {
                    code.vector("vmovups", 17, memory).store(memory, 30).vector("vbroadcastss", 28, memory);
                    code.prefetch(memory)
                            .vector("vcvtph2ps", 9, memory)
                            .vector("vpdpbusd", 31, 7, memory.broadcastOne());
                    code.load(RBX, memory).add(R11, memory).store(memory, R11).address(R10, memory);
                    code.loadTileConfiguration(memory);
                    code.vector("vpmovsxbd", 13, memory)
                            .vector("vpmovzxbd", 30, memory)
                            .shift("vpsrld", 19, memory, 4)
                            .vector("vfnmadd231ps", 6, 29, memory.broadcastOne());
                }
                code.loadTile(5, indexed).storeTile(high, 3);
            }
        }
        for (int i : new int[] {0, 5, 9, 17, 31}) {
            for (String op : List.of(
                    "vfmadd231ps", "vdpbf16ps", "vpdpbusd", "vpxord", "vpandd", "vpaddd", "vmulps", "vfnmadd231ps")) {
                code.vector(op, i, 31 - i, (i + 13) % 32).vector(op, 31 - i, i, i);
            }
            code.vector("vmulps", i, 31 - i, Memory.at(RDI, 64 * i)).vector("vmovups", i, 31 - i);
            code.vector("vcvtdq2ps", i, 31 - i).shift("vpslld", i, 31 - i, 8).shift("vpsrld", 31 - i, i, 4);
            code.ternary(i, 31 - i, (i + 13) % 32, 0xEA).ternary(31 - i, i, i, 0x80);
        }
        for (Register register : bases) {
            code.add(register, 4).add(register, 1024).subtract(register, -6).compare(register, 3);
            code.add(register, RSI).move(register, R11).add(R11, register).decrement(register);
            code.constant(register, 0x0F0F0F0F)
                    .constant(register, -1)
                    .broadcast(9, register)
                    .broadcast(30, register);
            code.subtract(register, R13).subtract(RBX, register).push(register).pop(register);
        }
        code.push(RBX).push(RBP).pop(RBP).pop(RBX).vzeroupper();
        for (int tile = 0; tile < 8; tile++) {
            code.zeroTile(tile);
            code.multiplyTiles("tdpbf16ps", tile, (tile + 1) % 8, (tile + 2) % 8);
            code.multiplyTiles("tdpbsud", tile, (tile + 5) % 8, (tile + 3) % 8);
        }
        code.releaseTiles()
                .label("here")
                .jump("jne", "here")
                .jump("jl", "there")
                .jump("jge", "there")
                .jump("there");
        code.align(32).label("there").ret();
        compare(code);
    }

    @Test
    void theKernelsAreWhatGnuAsGives() throws Exception {
        Assembler code = new Assembler();
        TileCode.plain(code, "f32_", "vfmadd231ps");
        TileCode.half(code, "f16_");
        TileCode.plain(code, "bf16_", "vdpbf16ps");
        TileCode.plain(code, "bytes_", "vpdpbusd");
        TileCode.blocked(code, "q8_", false);
        TileCode.blocked(code, "q4_", true);
        ByteTileCode.write(code, "a8_int8_", WeightFormat.INT8);
        ByteTileCode.write(code, "a8_q8_", WeightFormat.Q8_0);
        ByteTileCode.write(code, "a8_q4_", WeightFormat.Q4_0);
        AttentionCode.scores(code, "scores_", "vmovups");
        AttentionCode.scores(code, "scores16_", "vcvtph2ps");
        AmxKernels.multiply(code, "amx_bf16_", "tdpbf16ps");
        AmxKernels.multiply(code, "amx_bytes_", "tdpbsud");
        AttentionCode.weighted(code, "weighted_", "vmovups");
        AttentionCode.weighted(code, "weighted16_", "vcvtph2ps");
        for (WeightFormat format : WeightFormat.values()) {
            for (int parts = 1; parts <= 2 && BlockLayout.of(format) != null; parts++) {
                PlaneCode.multiply(code, format + "_" + parts, BlockLayout.of(format), parts);
            }
        }
        compare(code);
    }

    @Test
    void aJumpToNowhereIsAnError() {
        assertThatThrownBy(() -> new Assembler().jump("nowhere").bytes()).hasMessageContaining("nowhere");
    }

    private void compare(Assembler code) throws Exception {
        Path source = folder.resolve("code.s");
        Path object = folder.resolve("code.o");
        Path binary = folder.resolve("code.bin");
        String text = code.listing().stream()
                .map(line -> line.startsWith("j") && !line.endsWith(":") ? "{disp32} " + line : line)
                .collect(Collectors.joining("\n", ".intel_syntax noprefix\n.text\n", "\n"));
        Files.writeString(source, text);
        try {
            run("as", "--64", "-o", object.toString(), source.toString());
            run("objcopy", "-O", "binary", "-j", ".text", object.toString(), binary.toString());
        } catch (IOException e) {
            Assumptions.abort("GNU as and objcopy are not installed (Debian: binutils): " + e.getMessage());
        }
        byte[] expected = Files.readAllBytes(binary);
        byte[] found = code.bytes();
        for (int i = 0; i < Math.min(found.length, expected.length); i++) {
            if (found[i] != expected[i]) {
                int from = Math.max(0, i - 16);
                assertThat(HexFormat.ofDelimiter(" ").formatHex(found, from, Math.min(found.length, i + 16)))
                        .as("bytes from %d", from)
                        .isEqualTo(HexFormat.ofDelimiter(" ")
                                .formatHex(expected, from, Math.min(expected.length, i + 16)));
            }
        }
        assertThat(found).hasSameSizeAs(expected);
    }

    private static void run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(said).isZero();
    }
}
