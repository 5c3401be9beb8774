// audit_verifier.hpp: is the audit what was written?  Names the first record that is not.
//
//   changed, or another in its place   its MAC is not the one that its fields and its predecessor make
//   dropped                            a record is missing before one whose MAC tells of it
//   cut off                            the head tells of records that are not there
//   added without the key              as changed
//   head put back alone                there are records behind it
//   all of it put back                 a checkpoint, kept elsewhere, is not in it
//
// Pure; bounded memory whatever the number of records.  One thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "server/auth/audit_chain.hpp"

namespace securelogin::auth {

/// The event of the record that follows those that were there before there was a chain; its reason is their
/// number.
inline constexpr std::string_view kChainBegins = "audit.begin";

/// The event of the record with which a restored backup's audit goes on; its reason names the end of the one
/// that was there instead.
inline constexpr std::string_view kRestored = "restored";

struct AuditFault {
    std::int64_t record = 0;  // the first that is not as it was written
    std::string what;         // `record 17 has been changed ...`
};

struct AuditFindings {
    std::int64_t records = 0;              // seen to be as they were written
    AuditMark last;                        // of these
    std::optional<AuditEntry> begin = {};  // kChainBegins: what stands before it may have been changed before
    std::optional<AuditEntry> restored = {};  // the last kRestored: what was there instead is not in it
    std::optional<AuditFault> fault = {};     // nothing: all is as it was written
};

class AuditVerifier {
  public:
    /// `checkpoint`: a mark that has been kept elsewhere and has to be in the audit.  `earlier`: by last_id,
    /// rising.  `chain` and `earlier` must outlive this.
    explicit AuditVerifier(const AuditChain& chain, std::optional<AuditMark> checkpoint = {},
                           std::span<const EarlierChain> earlier = {});

    /// The next record, in the order of ids, from the first on.  False once a fault is found: the rest tells
    /// nothing.
    bool take(const AuditEntry& entry);

    /// After the last record: `head` as it stood at the same moment, nothing where there is none.
    [[nodiscard]] AuditFindings finish(const std::optional<AuditHead>& head);

  private:
    void check_end(const std::optional<AuditHead>& head);
    void find(std::int64_t record, std::string what);
    [[nodiscard]] std::string put_back() const;

    [[nodiscard]] const AuditChain& chain_of(std::int64_t record) const;

    const AuditChain& chain_;
    const std::span<const EarlierChain> earlier_;
    const std::optional<AuditMark> checkpoint_;
    bool checkpoint_seen_ = false;
    AuditFindings findings_;
};

}  // namespace securelogin::auth
