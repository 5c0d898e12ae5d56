/**
 * What people and machines may ask of the sidecar itself: health and metrics on a port of their own, and the printing of
 * traces while developing. Start reading at
 * {@link dev.spandrel.sidecar.admin.AdminServer}.
 */
package dev.spandrel.sidecar.admin;
