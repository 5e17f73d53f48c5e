#include "bindings/recording.h"

#include <optional>
#include <string>

#include "bindings/arrays.h"
#include "bindings/families.h"
#include "bindings/numpy_memory.h"

namespace nnabla {

thread_local Recording* recording = nullptr;

namespace {

// An attribute of an object and what it must be, or becomes.
struct Attribute {
  py::object object, name, value;
};

// A function that draws random numbers in each run: its attributes are `stream`, `draws` and `last_draw`.
struct Drawing {
  py::object function;
  std::shared_ptr<DrawPlace> place;

  void look() const {
    place->stream = py::cast<std::uint64_t>(function.attr("stream"));
    place->number = py::cast<std::uint64_t>(function.attr("draws"));
  }

  // Have the function know of one more draw.
  void count() const {
    function.attr("last_draw") = place->number;
    function.attr("draws") = place->number + 1;
  }
};

// What a program derives from memory of a storage whose `version` counts how often that was written.
struct Kept {
  py::object storage, version;
  std::shared_ptr<bool> holds;
};

std::vector<Attribute> attributes(const py::list& given) {
  std::vector<Attribute> found;
  for (const py::handle item : given) {
    const py::tuple entry = py::cast<py::tuple>(item);
    PyObject* name = Py_NewRef(py::object(entry[1]).ptr());
    PyUnicode_InternInPlace(&name);
    found.push_back({entry[0], py::reinterpret_steal<py::object>(name), entry[2]});
  }
  return found;
}

// Work that was recorded, what it starts from, and what becomes of Python's objects by it.
class Program {
 public:
  Program(Recording&& recorded, std::vector<Drawing>&& drawings, std::vector<Kept>&& kept, const py::list& guards,
          const py::list& effects, const py::list& counts)
      : work_(fused(std::move(recorded.work), recorded.arena->ended())),
        arena_(std::move(recorded.arena)),
        elements_(recorded.elements),
        drawings_(std::move(drawings)),
        kept_(std::move(kept)),
        guards_(attributes(guards)),
        effects_(attributes(effects)),
        counts_(attributes(counts)) {
    arena_->close();
  }

  // Do it, or return false, nothing having been done, if something is not as it was.
  bool run() {
    if (running_) return false;
    for (const Attribute& guard : guards_)
      if (!holds(guard)) return false;
    for (const Drawing& drawing : drawings_) drawing.look();
    for (Kept& kept : kept_) {
      py::object version = kept.storage.attr("version");
      *kept.holds = version.equal(kept.version);
      kept.version = std::move(version);
    }
    {
      running_ = true;
      Ended ended{*this};
      const GilRelease released(elements_ >= worth_releasing);
      try {
        for (const Piece& piece : work_) piece.run();
      } catch (const Unfit&) {
        return false;
      }
      ended.whole = true;
    }
    for (const Drawing& drawing : drawings_) drawing.count();
    for (const Attribute& effect : effects_)
      if (PyObject_SetAttr(effect.object.ptr(), effect.name.ptr(), effect.value.ptr()) != 0)
        throw py::error_already_set();
    for (const Attribute& count : counts_) {
      const py::object now = py::getattr(count.object, count.name);
      const py::object next = py::reinterpret_steal<py::object>(PyNumber_Add(now.ptr(), count.value.ptr()));
      if (!next || PyObject_SetAttr(count.object.ptr(), count.name.ptr(), next.ptr()) != 0)
        throw py::error_already_set();
    }
    return true;
  }

  // What is not as it was when this was recorded: (object, attribute).
  py::list differences() const {
    py::list found;
    for (const Attribute& guard : guards_)
      if (!holds(guard)) found.append(py::make_tuple(guard.object, guard.name));
    return found;
  }

  std::size_t length() const { return work_.size(); }

  // For each piece, whether a kernel that is no map is part of it, and the maps that are.
  py::list pieces() const {
    py::list found;
    for (const Piece& piece : work_) {
      py::list names;
      for (const char* name : piece.maps) names.append(name);
      found.append(py::make_tuple(piece.kernel, names));
    }
    return found;
  }
  std::size_t bytes() const { return arena_->size(); }

 private:
  struct Ended {
    Program& program;
    bool whole = false;
    ~Ended() {
      program.running_ = false;
      if (whole) return;
      for (Kept& kept : program.kept_) kept.version = py::none();
    }
  };

  // Identity decides, but for numbers.
  static bool holds(const Attribute& guard) {
    PyObject* found = PyObject_GetAttr(guard.object.ptr(), guard.name.ptr());
    if (found == nullptr) throw py::error_already_set();
    bool same = found == guard.value.ptr();
    if (!same && (PyLong_CheckExact(found) || PyFloat_CheckExact(found)) &&
        (PyLong_CheckExact(guard.value.ptr()) || PyFloat_CheckExact(guard.value.ptr())))
      same = PyObject_RichCompareBool(found, guard.value.ptr(), Py_EQ) == 1;
    Py_DECREF(found);
    return same;
  }

  std::vector<Piece> work_;
  std::shared_ptr<Arena> arena_;
  long elements_;
  std::vector<Drawing> drawings_;
  std::vector<Kept> kept_;
  std::vector<Attribute> guards_, effects_, counts_;
  bool running_ = false;
};

// Records in the thread that starts it.
class Recorder {
 public:
  ~Recorder() {
    if (recording == &recorded_) recording = nullptr;
  }

  // `drawing` is the function that is going to draw random numbers, or None.
  void start(const py::object& drawing) {
    if (recording != nullptr) throw std::runtime_error("this thread records already");
    watch_.emplace();
    mark_ = recorded_.work.size();
    elements_ = recorded_.elements;
    recorded_.missed = false;
    if (!drawing.is_none()) {
      recorded_.draw = std::make_shared<DrawPlace>();
      drawings_.push_back({drawing, recorded_.draw});
      drawings_.back().look();
    }
    recording = &recorded_;
  }

  // Whether all that was done since the start is recorded; if not, nothing of it is.
  bool stop() {
    recording = nullptr;
    const bool complete = !recorded_.missed && watch_.has_value() && watch_->count() == 0;
    watch_.reset();
    const bool drew = recorded_.draw != nullptr;
    recorded_.draw.reset();
    if (!complete) {
      if (drew) drawings_.pop_back();
      recorded_.work.resize(mark_);
      recorded_.arena->rewind(mark_);
      recorded_.elements = elements_;
    }
    return complete;
  }

  // The program of what was recorded. Each list has (object, attribute, value): what must be so before it runs, what
  // is set after that, and numbers that are added to. `sources` has (storage, array): memory that is read and whose
  // changes the storage counts.
  std::unique_ptr<Program> finish(const py::list& guards, const py::list& effects, const py::list& counts,
                                  const py::list& sources) {
    if (recording == &recorded_) throw std::runtime_error("the recording has not been stopped");
    std::vector<Kept> kept;
    for (const Derived& derived : recorded_.derived)
      for (const py::handle item : sources) {
        const py::tuple entry = py::cast<py::tuple>(item);
        if (py::cast<py::array>(entry[1]).data() != derived.source) continue;
        kept.push_back({entry[0], py::none(), derived.holds});
        break;
      }
    return std::make_unique<Program>(std::move(recorded_), std::move(drawings_), std::move(kept), guards, effects,
                                     counts);
  }

 private:
  Recording recorded_;
  std::vector<Drawing> drawings_;
  std::optional<NumpyMemoryWatch> watch_;
  std::size_t mark_ = 0;
  long elements_ = 0;
};

}  // namespace

void bind_recording(py::module_& m) {
  py::class_<Program>(m, "Program")
      .def("run", &Program::run)
      .def("differences", &Program::differences)
      .def("pieces", &Program::pieces)
      .def("__len__", &Program::length)
      .def_property_readonly("bytes", &Program::bytes);
  py::class_<Recorder>(m, "Recorder")
      .def(py::init<>())
      .def("start", &Recorder::start, py::arg("drawing") = py::none())
      .def("stop", &Recorder::stop)
      .def("finish", &Recorder::finish);
  m.def("is_recording", [] { return recording != nullptr; });
}

}  // namespace nnabla
