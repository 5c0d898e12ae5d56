/**
 * Where settings come from: flags over environment over a YAML file over defaults. It knows names and texts, not what they
 * mean; that stays with the options and the exporter's own reader. Start reading at
 * {@link dev.spandrel.sidecar.settings.SettingsFile}.
 */
package dev.spandrel.sidecar.settings;
