// audit_chain.hpp: the keyed hash chain of the audit: who has not the master key cannot change it unseen.
//
//   a record's MAC  = HMAC-SHA256(key, "record" | previous record's MAC | id | every field)
//   the head's MAC  = HMAC-SHA256(key, "head" | last id | last record's MAC)
//
// under a key derived from the master key, over an encoding in which no two records are alike.  A record's
// MAC therefore vouches for all records before it; the head, which changes with each record and is not to be
// had from the records, for there being none behind it.  Where the master key is rotated, the chain goes on
// under the new one's key, from the last MAC; the first record there vouches for all under the old key, which
// is kept to verify them and makes no head that counts.  What a chain cannot show is that ALL of it was put
// back to how it once was: a record's id and MAC, kept elsewhere, show that (AuditVerifier, checkpoints).
//
// Immutable; any thread.
#pragma once

#include <openssl/evp.h>

#include <optional>
#include <string>
#include <string_view>

#include "server/auth/audit.hpp"
#include "server/auth/hmac.hpp"
#include "server/auth/master_key.hpp"

namespace securelogin::auth {

class AuditChain {
  public:
    /// Throws OpenSslError.
    explicit AuditChain(const MasterKey& master) : AuditChain(key_of(master)) {}
    /// `key` as key_of() made it.  Throws OpenSslError.
    explicit AuditChain(const Secret& key) : hmac_(key) {}

    [[nodiscard]] static Secret key_of(const MasterKey& master);

    /// Of an audit without records.
    [[nodiscard]] AuditHead begin() const;

    /// The mark of `record` when it is record number `id`, behind one whose MAC is `previous`.
    [[nodiscard]] AuditMark mark(const AuditMac& previous, std::int64_t id, const AuditRecord& record) const;

    [[nodiscard]] AuditHead head(const AuditMark& last) const;
    /// Whether `head` is one that was made here.  In constant time.
    [[nodiscard]] bool is_genuine(const AuditHead& head) const;

  private:
    Hmac hmac_;
};

/// The chain as it went on until the master key was rotated.
struct EarlierChain {
    std::int64_t last_id = 0;  // of the records under it
    AuditChain chain;
};

/// Whether two MACs are the same, in constant time.
[[nodiscard]] bool same(const AuditMac& left, const AuditMac& right) noexcept;

/// `ID:MAC`, the MAC in base64 (RFC 4648 section 4) without padding: as the log shows checkpoints.
[[nodiscard]] std::string to_text(const AuditMark& mark);
/// Nothing when `text` is no mark.
[[nodiscard]] std::optional<AuditMark> parse_audit_mark(std::string_view text);

}  // namespace securelogin::auth
