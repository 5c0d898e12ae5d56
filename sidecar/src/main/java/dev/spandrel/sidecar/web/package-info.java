/**
 * How Helidon's web server is opened here, once for the HTTP receiver and once for the admin pages. It knows only
 * Helidon. Start reading at {@link dev.spandrel.sidecar.web.WebListener}.
 */
package dev.spandrel.sidecar.web;
