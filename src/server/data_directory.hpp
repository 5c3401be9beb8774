// data_directory.hpp: where the daemon and the administrator's program keep everything: database, master key,
// certificate.
//
// Mode 0700.  master.key and tls/key.pem are 0600 and refused if others can read them.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "server/auth/master_key.hpp"
#include "server/config.hpp"

namespace securelogin {

class DataDirectory {
  public:
    enum class IfMissing { make, refuse };

    /// --data, else the settings', else $STATE_DIRECTORY (systemd), else /var/lib/securelogin for root, else
    /// $XDG_STATE_HOME/securelogin, else ~/.local/state/securelogin.
    [[nodiscard]] static std::filesystem::path choose(const std::optional<std::filesystem::path>& option,
                                                      const Settings& settings);

    /// Checks modes and owner; makes the directory when asked to, saying so on stderr.  As root, the process
    /// becomes the directory's owner for good, so that no root-owned file is left in it.  With `user`, that
    /// is whom it must belong to, and a new one does.  Throws StartupError.
    [[nodiscard]] static DataDirectory open(const std::filesystem::path& path, IfMissing if_missing,
                                            const std::optional<std::string>& user = std::nullopt);

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
    [[nodiscard]] std::filesystem::path database() const { return path_ / "securelogin.db"; }
    [[nodiscard]] std::filesystem::path master_key() const { return path_ / "master.key"; }
    [[nodiscard]] std::filesystem::path certificate() const { return path_ / "tls" / "cert.pem"; }
    [[nodiscard]] std::filesystem::path private_key() const { return path_ / "tls" / "key.pem"; }

    /// The keys that systemd hands over (master_key_file.hpp), if it does.  Else reads master.key; makes it,
    /// durably, only where there is no database yet: a key that is lost cannot be made again, and a new one
    /// would turn every secret in the database into noise.  With `refuse` it is never made.  Two programs
    /// that start at once end up with the same key.  The oldest first, two of them only while the key is
    /// rotated. Throws StartupError.
    [[nodiscard]] std::vector<auth::MasterKey> load_master_keys(IfMissing if_missing) const;
    /// The newest.
    [[nodiscard]] auth::MasterKey load_master_key(IfMissing if_missing) const;
    /// load_master_keys() once, and from then on what is in the file at each moment, or was in the credential
    /// at this one.  Throws StartupError.
    [[nodiscard]] auth::MasterKeySource master_keys(IfMissing if_missing) const;

    /// systemd hands them over: master.key is not looked at.
    [[nodiscard]] static bool gets_master_key_from_credential();
    /// master.key holds these and no others; durable when this returns.  Throws StartupError.
    void replace_master_keys(const std::vector<auth::MasterKey>& keys) const;

  private:
    explicit DataDirectory(std::filesystem::path path) : path_(std::move(path)) {}
    std::filesystem::path path_;
};

/// Refuses a secret's file unless it is a regular file of ours or root's that nobody else can read.  Throws
/// StartupError.
void require_private(const std::filesystem::path& file);

/// Writes a file that is either there whole or not at all, durably, with `mode`; replaces an older one.
/// Throws StartupError.
void write_durably(const std::filesystem::path& file, std::string_view content, unsigned mode);

}  // namespace securelogin
