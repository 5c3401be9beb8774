// known_hosts.hpp: the servers that were trusted once, and the keys that they showed.
//
// One server a line, `host:port SHA256:...` (`[::1]:9999` for an IPv6 address); blank lines and lines that
// start with # are left alone.  A server may stand there with several keys, each of which is good.  The file
// decides who gets the passwords: it is 0600 in a directory of 0700, replaced in one step, and refused when
// others may write it or when a line of it cannot be understood.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace securelogin::client {

struct KnownHost {
    std::string host_and_port;  // as Destination::host_and_port()
    std::string fingerprint;    // as normalize_fingerprint() gives it
    std::size_t line;           // counted from 1

    bool operator==(const KnownHost&) const = default;
};

/// Pure.  Throws Failure (not_trusted) that names `file` and the line that is malformed.
[[nodiscard]] std::vector<KnownHost> parse_known_hosts(std::string_view text,
                                                       const std::filesystem::path& file);

/// $XDG_CONFIG_HOME/securelogin/known_hosts, else ~/.config/securelogin/known_hosts.
/// Throws Failure (not_trusted) when neither can be told.
[[nodiscard]] std::filesystem::path known_hosts_file();

class KnownHosts {
  public:
    explicit KnownHosts(std::filesystem::path file) : file_(std::move(file)) {}

    /// The entries for one server; a missing file has none.
    /// Throws Failure (not_trusted) when the file is malformed, unsafe or cannot be read.
    [[nodiscard]] std::vector<KnownHost> find(std::string_view host_and_port) const;

    /// Adds an entry, on disk when it returns; makes directory and file where they are missing.  Two programs
    /// may do so at once.  Throws Failure; the file is then as it was.
    void add(const std::string& host_and_port, const std::string& fingerprint) const;

    [[nodiscard]] const std::filesystem::path& file() const noexcept { return file_; }

  private:
    std::filesystem::path file_;
};

}  // namespace securelogin::client
