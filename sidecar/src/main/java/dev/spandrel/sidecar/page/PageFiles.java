package dev.spandrel.sidecar.page;

import io.helidon.http.HeaderNames;
import io.helidon.http.Status;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32C;
import java.util.zip.GZIPOutputStream;

/** The built front end, read once from this jar; compressed for who takes it, and not sent again while it is the same. */
final class PageFiles {
    /** The page itself. */
    static final String INDEX = "index.html";

    private static final Map<String, String> TYPES = Map.of(
            INDEX,
            "text/html; charset=utf-8",
            "app.js",
            "text/javascript; charset=utf-8",
            "app.css",
            "text/css; charset=utf-8",
            "icon.svg",
            "image/svg+xml");

    private record PageFile(byte[] plain, byte[] compressed, String type, String tag) {}

    private final Map<String, PageFile> files = new LinkedHashMap<>();

    PageFiles() {
        TYPES.forEach((name, type) -> files.put(name, read(name, type)));
    }

    private static PageFile read(String name, String type) {
        try (InputStream in = PageFiles.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IllegalStateException("the build lacks the page's file " + name);
            }
            byte[] plain = in.readAllBytes();
            ByteArrayOutputStream compressed = new ByteArrayOutputStream(plain.length / 2);
            try (GZIPOutputStream gzip = new GZIPOutputStream(compressed)) {
                gzip.write(plain);
            }
            CRC32C crc = new CRC32C();
            crc.update(plain);
            return new PageFile(
                    plain, compressed.toByteArray(), type, '"' + HexFormat.of().toHexDigits(crc.getValue()) + '"');
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void send(String name, ServerRequest request, ServerResponse response) {
        PageFile file = files.get(name);
        if (file == null) {
            PageAnswers.error(response, 404, "there is no file " + name);
            return;
        }
        response.header(HeaderNames.ETAG, file.tag());
        response.header(HeaderNames.CACHE_CONTROL, "no-cache");
        response.header(HeaderNames.VARY, "Accept-Encoding");
        if (request.headers().first(HeaderNames.IF_NONE_MATCH).orElse("").equals(file.tag())) {
            response.status(Status.NOT_MODIFIED_304).send();
            return;
        }
        response.header(HeaderNames.CONTENT_TYPE, file.type());
        if (request.headers().first(HeaderNames.ACCEPT_ENCODING).orElse("").contains("gzip")) {
            response.header(HeaderNames.CONTENT_ENCODING, "gzip");
            response.send(file.compressed());
        } else {
            response.send(file.plain());
        }
    }

    /** Everything as the wire carries it, in bytes. */
    long compressedBytes() {
        return files.values().stream()
                .mapToLong(file -> file.compressed().length)
                .sum();
    }
}
