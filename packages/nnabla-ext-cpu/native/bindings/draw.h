// Random numbers that kernels draw: those of now, or, where they are recorded, those of each run.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "bindings/recording.h"
#include "kernels/tables/random.h"

namespace nnabla {

typedef std::pair<std::uint64_t, std::uint64_t> State;  // stream and number of the draw

class Draw {
 public:
  Draw(const State& state, std::uint32_t lane) : now_{state.first, state.second, lane} {
    if (recording == nullptr) return;
    const auto& place = recording->draw;
    if (place != nullptr && place->stream == now_.stream && place->number == now_.draw) {
      recorded_ = place;
    } else {
      miss();
    }
  }

  // The same draw so many lanes further on.
  Draw lane_after(std::uint32_t lanes) const {
    Draw next = *this;
    next.now_.lane += lanes;
    return next;
  }

  RandomState operator()() const {
    return recorded_ == nullptr ? now_ : RandomState{recorded_->stream, recorded_->number, now_.lane};
  }

 private:
  RandomState now_;
  std::shared_ptr<const DrawPlace> recorded_;
};

}  // namespace nnabla
