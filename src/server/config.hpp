// config.hpp: the settings, and the one reader of them.
//
// securelogind.toml(5) describes each key.  Every key may be left out; an unknown key, a value of the wrong
// type or outside its range is an error that names file, line and remedy.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/auth/authenticator.hpp"
#include "server/log.hpp"
#include "server/startup_error.hpp"
#include "server/web/origin.hpp"
#include "server/web/rules.hpp"

namespace securelogin {

/// Whether the daemon restricts itself (confinement.hpp): as far as the kernel can, not at all, or wholly or
/// not at all.
enum class Confine { automatic, off, required };

struct Settings {
    std::string name;                    // the server's, in greeting and certificate; default: the host's
    std::string issuer = "SecureLogin";  // in key URIs

    struct Listen {
        std::vector<std::string> tls;             // ADDR:PORT, [ADDR]:PORT; default 127.0.0.1:9999
        std::vector<std::string> plain;           // loopback ADDR:PORT, unix:PATH
        std::optional<std::string> verify = {};   // unix:PATH: whose token is it?  Default: nowhere
        std::vector<std::string> web = {};        // ADDR:PORT, [ADDR]:PORT: pages over TLS; default: nowhere
        std::vector<std::string> web_plain = {};  // the same behind a proxy: loopback ADDR:PORT, unix:PATH
    } listen;
    std::optional<std::filesystem::path> data;

    struct Tls {
        bool allow_tls12 = false;
        std::optional<std::filesystem::path>
            certificate;  // PEM chain; both or neither, else self-signed in the data directory
        std::optional<std::filesystem::path> key;  // PEM
    } tls;

    struct Limits {
        std::size_t connections = 4096;             // in all
        std::size_t connections_per_source = 64;    // open at once
        std::size_t accepts_per_source = 250;       // a second, after a burst of as many as in two
        std::size_t handshakes = 256;               // TLS handshakes under way, in all
        std::size_t handshakes_per_source = 16;     // of them; the others wait
        std::size_t hash_queue = 512;               // password checks waiting or running, at most
        std::chrono::seconds hash_wait{2};          // as many of them as can be done in this time
        std::size_t tokens_remembered = 1'000'000;  // whose they were, by each door that asks
    } limits;

    struct Deadlines {  // all absolute
        std::chrono::seconds handshake{10};
        std::chrono::seconds answer{60};
        std::chrono::seconds login{120};
        std::chrono::seconds idle{900};
        std::chrono::seconds enrolment{300};  // each answer of one
        std::chrono::seconds drain{10};
    } deadlines;

    struct Threads {
        std::size_t io = 0;    // 0: thread_counts() says
        std::size_t hash = 0;  // 0: one per core
    } threads;

    auth::Policy policy;
    std::optional<std::filesystem::path> breached_passwords;  // the list's file; default: none

    struct Alarms {
        std::vector<std::string> command;  // run for each alarm: absolute path, arguments; empty: none
    } alarms;

    struct Log {
        LogFormat format = LogFormat::text;
        Level level = Level::info;
    } log;

    struct Process {
        std::optional<std::string> user;  // who root becomes; default: the data directory's owner
        Confine confine = Confine::automatic;
    } process;

    struct Metrics {
        std::optional<std::string> listen;  // loopback ADDR:PORT, unix:PATH; default: nowhere
        bool reasons = false;               // refusals by their reason
    } metrics;

    struct Web {                                    // the browsers' door
        std::string name;                           // at the head of its pages; default: the issuer
        std::optional<std::filesystem::path> logo;  // .png, .svg, .jpg, .jpeg, .webp
        std::optional<std::string> accent;          // #rrggbb, lower case
        bool open_registration = false;             // whoever comes may have an account
        std::vector<web::Origin> back_to;           // where a login may lead, besides where it was made
        std::vector<std::string> proxies;           // web::Proxies: whose forwarded headers count
        std::vector<web::Rule> rules;               // for guarded sites; the first that fits decides
    } web;
};

inline constexpr std::string_view kDefaultConfigFile = "/etc/securelogin/securelogind.toml";

/// Whether there is an address at which somebody can log in.
[[nodiscard]] bool listens_somewhere(const Settings::Listen& listen) noexcept;

/// Reads settings out of TOML.  `origin` is the file's name, for messages.  Throws StartupError.
[[nodiscard]] Settings parse_settings(std::string_view toml, std::string_view origin);

/// `file`, else kDefaultConfigFile if it is there, else the defaults.  The file must not be writable by
/// others than root and us.  Throws StartupError.
[[nodiscard]] Settings read_settings(const std::optional<std::filesystem::path>& file);

}  // namespace securelogin
