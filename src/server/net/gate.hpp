// gate.hpp: what a connection passes before it is served: stages, each cheaper than what it keeps away.
//
//   accepts     how fast a source opens connections: two look-ups in a table
//   slots       how many it has open: a look-up and a count
//   handshakes  how many of those may cost a signature at once: the others wait, and cost a descriptor
//
// After these come the deadlines of each line, the budgets of name and source, and the hash queue.  Any
// thread.
#pragma once

#include "server/net/accept_rate.hpp"
#include "server/net/handshakes.hpp"
#include "server/net/slots.hpp"

namespace securelogin::net {

struct Gate {
    struct Limits {
        AcceptRate::Limits accepts;
        Slots::Limits slots;
        Handshakes::Limits handshakes;
    };

    Gate(const Limits& limits, const AcceptRate::Key& key)
        : accepts(limits.accepts, key), slots(limits.slots), handshakes(limits.handshakes)
    {
    }

    /// What is open stays open.
    void set_limits(const Limits& limits)
    {
        accepts.set_limits(limits.accepts);
        slots.set_limits(limits.slots);
        handshakes.set_limits(limits.handshakes);
    }

    AcceptRate accepts;
    Slots slots;
    Handshakes handshakes;
};

}  // namespace securelogin::net
