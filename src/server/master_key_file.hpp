// master_key_file.hpp: master keys as text, in the data directory or from the service manager.
//
// A key is a line, `SECURELOGIN-MASTER-KEY-1 ` and its 32 bytes in base64.  A second line is a newer key:
// both are there while the key is rotated (docs/decisions/0024).  The file is only ever replaced as a whole,
// durably.
//
// All throw StartupError: one line that names the file and the remedy.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "common/secret.hpp"
#include "server/auth/master_key.hpp"
#include "server/descriptor.hpp"

namespace securelogin {

/// The oldest first; nothing where there is no such file.  REQUIRES: `directory` is the one that `file` lies
/// in.
[[nodiscard]] std::optional<std::vector<auth::MasterKey>> read_master_keys(const Descriptor& directory,
                                                                           const std::filesystem::path& file);

/// What the service manager hands over ($CREDENTIALS_DIRECTORY/securelogin-master-key, systemd.exec(5)),
/// decrypted by it, in memory that is never written to a disk; nothing where it hands over none.
[[nodiscard]] std::optional<std::vector<auth::MasterKey>> read_credential_keys();

/// The file holds these, the oldest first, and nothing else; on disk when this returns.
void write_master_keys(const Descriptor& directory, const std::filesystem::path& file,
                       const std::vector<auth::MasterKey>& keys);

[[nodiscard]] auth::MasterKey generate_master_key();

/// With the line's end.
[[nodiscard]] Secret key_line(const auth::MasterKey& key);

}  // namespace securelogin
