#include "server/daemon_options.hpp"

#include <CLI/CLI.hpp>
#include <map>
#include <string>

namespace securelogin {
namespace {

constexpr int kUsage = 64;  // sysexits(3)

constexpr auto kDescription =
    "securelogind: checks who someone is with a user name, a password and a one-time code.\n\n"
    "With no options it serves TLS on 127.0.0.1:9999 out of the data directory, which it makes on\n"
    "first start, with a master key and a self-signed certificate. Users are enrolled with\n"
    "securelogin-admin(8).";

constexpr auto kFooter =
    "Data directory: --data, else the settings' data, else $STATE_DIRECTORY (systemd), else\n"
    "/var/lib/securelogin for root, else $XDG_STATE_HOME/securelogin (~/.local/state/securelogin).\n\n"
    "When ready it writes one line to stderr and tells systemd:\n"
    "  listening on 127.0.0.1:9999 (TLS, SHA256:BASE64)\n\n"
    "Signals: SIGTERM and SIGINT stop it once logins whose code has arrived have their verdict (a\n"
    "second one at once); SIGHUP reads certificate and settings again.\n\n"
    "Exit status: 0 stopped as asked, 64 usage, 78 settings or data directory, 1 any other failure.\n\n"
    "Examples:\n"
    "  securelogind                                    try it, for this host only\n"
    "  securelogind --listen 0.0.0.0:9999              serve the network\n"
    "  securelogind --listen-plain unix:/run/login.sock  for a program on this host\n"
    "  securelogind --listen-verify unix:/run/securelogin/verify.sock\n"
    "                                                  whose token is it?  A line in, a JSON line out\n"
    "  securelogind --listen-web 0.0.0.0:8443          pages to log in and register with a browser\n"
    "  securelogind --check                            read settings, key, certificate, database; then "
    "exit\n\n"
    "See also: securelogind.toml(5), securelogin-admin(8), securelogin(1).";

/// What stands where a value belongs: `--data --check` has forgotten one, and would make a directory.
std::string why_no_value(const std::string& text)
{
    if (!text.starts_with("--")) return {};
    return "'" + text + "' is an option, not a value; a file of that name is ./" + text;
}

}  // namespace

ParsedOptions parse_daemon_options(int argc, const char* const* argv)
{
    ParsedOptions parsed;
    auto& options = parsed.options;
    CLI::App app(kDescription, "securelogind");
    app.footer(kFooter);
    app.set_version_flag("--version", "securelogind " SECURELOGIN_VERSION, "print the version and exit");
    app.add_option("--config", options.config,
                   "settings (default: /etc/securelogin/securelogind.toml, if it is there)")
        ->type_name("FILE");
    app.add_option("--data", options.data, "data directory; see below")->type_name("DIR");
    app.add_option("--listen", options.listen, "serve TLS there; may be repeated; port 0 takes a free one")
        ->type_name("ADDR:PORT")
        ->expected(1)
        ->take_all();
    app.add_option("--listen-plain", options.listen_plain,
                   "serve in clear: loopback ADDR:PORT or unix:PATH; may be repeated")
        ->type_name("ADDR")
        ->expected(1)
        ->take_all();
    app.add_option("--listen-verify", options.listen_verify,
                   "tell programs of this host whose token it is: unix:PATH; see securelogind(8)")
        ->type_name("unix:PATH");
    app.add_option("--listen-web", options.listen_web,
                   "serve browsers over HTTPS there; may be repeated; port 0 takes a free one")
        ->type_name("ADDR:PORT")
        ->expected(1)
        ->take_all();
    const std::map<std::string, LogFormat> formats{{"text", LogFormat::text}, {"json", LogFormat::json}};
    app.add_option("--log-format", options.log_format, "text or json")
        ->transform(CLI::CheckedTransformer(formats).description(""))
        ->type_name("FORMAT");
    app.add_flag("--check", options.check,
                 "read settings, key, certificate and database, say what is wrong, and exit");
    for (auto* const option : app.get_options()) {
        if (option->get_expected_min() > 0) option->check(why_no_value);
    }
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& asked) {
        parsed.exit_code = app.exit(asked);
    } catch (const CLI::ParseError& error) {
        app.exit(error);
        parsed.exit_code = kUsage;
    }
    return parsed;
}

Settings settings_for(const DaemonOptions& options)
{
    auto settings = read_settings(options.config);
    if (!options.listen.empty() || !options.listen_plain.empty()) {
        settings.listen.tls = options.listen;
        settings.listen.plain = options.listen_plain;
    }
    if (options.listen_verify) settings.listen.verify = options.listen_verify;
    if (!options.listen_web.empty()) settings.listen.web = options.listen_web;
    if (options.log_format) settings.log.format = *options.log_format;
    return settings;
}

}  // namespace securelogin
