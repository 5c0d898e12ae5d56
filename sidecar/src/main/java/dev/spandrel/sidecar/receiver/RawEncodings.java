package dev.spandrel.sidecar.receiver;

import io.helidon.http.Headers;
import io.helidon.http.encoding.ContentDecoder;
import io.helidon.http.encoding.ContentEncoder;
import io.helidon.http.encoding.ContentEncodingContext;
import io.helidon.http.encoding.ContentEncodingContextConfig;

/**
 * Lets every {@code Content-Encoding} through as it is. The web server would answer an unknown one with an empty 400 and
 * would decompress before our limits; here the handler reads the header and does both itself.
 */
final class RawEncodings implements ContentEncodingContext {
    @Override
    public boolean contentEncodingEnabled() {
        return false;
    }

    @Override
    public boolean contentDecodingEnabled() {
        return true;
    }

    @Override
    public boolean contentEncodingSupported(String id) {
        return false;
    }

    @Override
    public boolean contentDecodingSupported(String id) {
        return true;
    }

    @Override
    public ContentEncoder encoder(String id) {
        return ContentEncoder.NO_OP;
    }

    @Override
    public ContentDecoder decoder(String id) {
        return ContentDecoder.NO_OP;
    }

    @Override
    public ContentEncoder encoder(Headers headers) {
        return ContentEncoder.NO_OP;
    }

    @Override
    public ContentEncodingContextConfig prototype() {
        return ContentEncodingContextConfig.create();
    }
}
