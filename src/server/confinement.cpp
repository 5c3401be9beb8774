#include "server/confinement.hpp"

#include <fmt/format.h>
#include <openssl/ssl.h>
#include <sys/prctl.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "server/capabilities.hpp"
#include "server/ownership.hpp"
#include "server/system_calls.hpp"

namespace securelogin {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kUnix = "unix:";

/// The directory, so that a file that is put in the place of `file` can be read.  The root directory would be
/// everything.
fs::path directory_of(const fs::path& file)
{
    const auto parent = file.parent_path();
    return parent == parent.root_path() ? file : parent;
}

/// By its name, and where symbolic links lead to: certbot's live/NAME/privkey.pem leads to archive/NAME.
void add_places_of(const fs::path& file, std::vector<fs::path>& places)
{
    std::error_code error;
    const auto named = fs::absolute(file, error).lexically_normal();
    places.push_back(directory_of(named));
    if (const auto real = fs::weakly_canonical(named, error); !error) places.push_back(directory_of(real));
}

void add_socket_of(const std::string& listener, std::vector<fs::path>& places)
{
    if (!listener.starts_with(kUnix)) return;
    std::error_code error;
    places.push_back(fs::absolute(listener.substr(kUnix.size()), error).parent_path());
}

bool lies_in(const fs::path& file, const fs::path& place)
{
    const auto [end, rest] = std::ranges::mismatch(place, file);
    return end == place.end();
}

std::string in_force(int landlock, bool filtered)
{
    const auto files = landlock > 0 ? fmt::format("landlock {}", landlock) : std::string("no landlock");
    return files + (filtered ? ", seccomp" : ", no seccomp");
}

}  // namespace

Reach reach_of(const Settings& settings, const fs::path& data, const fs::path& settings_file)
{
    // SQLite's lock is somebody's: /proc tells whose (store/errors.cpp).
    Reach reach{.read = {"/proc", "/dev/urandom"}, .keep = {data}, .sockets = {}, .devices = {"/dev/null"}};
    add_places_of(settings_file, reach.read);
    if (settings.tls.certificate) add_places_of(*settings.tls.certificate, reach.read);
    if (settings.tls.key) add_places_of(*settings.tls.key, reach.read);
    if (settings.breached_passwords) add_places_of(*settings.breached_passwords, reach.read);
    if (settings.web.logo) add_places_of(*settings.web.logo, reach.read);
    for (const auto& listener : settings.listen.web_plain) add_socket_of(listener, reach.sockets);
    for (const auto& listener : settings.listen.plain) add_socket_of(listener, reach.sockets);
    if (settings.listen.verify) add_socket_of(*settings.listen.verify, reach.sockets);
    if (settings.metrics.listen) add_socket_of(*settings.metrics.listen, reach.sockets);
    return reach;
}

Confinement::Confinement(Confine mode, const Reach& reach) : mode_(mode)
{
    // Becoming somebody else may have undone this (prctl(2), fs.suid_dumpable).
    ::prctl(PR_SET_DUMPABLE, 0);
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    drop_capabilities();
    // OpenSSL's own settings are read when it is first used, which must not be too late.
    OPENSSL_init_ssl(OPENSSL_INIT_LOAD_CONFIG, nullptr);
    if (mode_ == Confine::off) return;
    readable_ = reach.read;
    readable_.insert(readable_.end(), reach.keep.begin(), reach.keep.end());
    landlock_ = restrict_files(reach);
    if (landlock_ == 0 && mode_ == Confine::required) {
        throw StartupError(
            "confining this process: this kernel has no Landlock: set process.confine to \"auto\"");
    }
}

void Confinement::complete(EventLog& log)
{
    if (mode_ == Confine::off) {
        log.write(Level::warning, "not_confined", {{"remedy", "leave process.confine out of the settings"}});
        return;
    }
    const bool filtered = restrict_system_calls();
    if (!filtered && mode_ == Confine::required) {
        throw StartupError(
            "confining this process: this kernel filters no system calls: set process.confine to \"auto\"");
    }
    const bool whole = filtered && landlock_ > 0;
    log.write(whole ? Level::info : Level::warning, whole ? "confined" : "not_confined",
              {{"by", in_force(landlock_, filtered)}});
}

void Confinement::require_reachable(const fs::path& file) const
{
    if (landlock_ == 0) return;
    std::error_code error;
    const auto real = fs::weakly_canonical(file, error);
    const auto is_around = [&](const fs::path& place) {
        return lies_in(real, place) || lies_in(real, fs::weakly_canonical(place, error));
    };
    if (std::ranges::any_of(readable_, is_around)) return;
    throw StartupError(fmt::format(
        "{}: lies in a directory that the running daemon no longer sees: restart it", shell_word(file)));
}

}  // namespace securelogin
