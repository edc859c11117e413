"""What can be set for each training stage.  Defaults are the paper's (section 4.1)."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field

from restoreroute.spec.options import Options

Count = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(gt=0)]
Weight = Annotated[float, Field(ge=0)]


class StageOptions(Options):
    """One run of the optimiser (learning rate on a cosine from ``lr`` to ``lr_final``)."""

    iterations: int = Field(ge=0, description="optimiser updates; 0 skips the stage")
    batch: Count = Field(description="sub-images in one update")
    lr: Rate = Field(description="learning rate at the start")
    lr_final: float = Field(1e-7, ge=0, description="learning rate at the end of the cosine")
    warmup: int = Field(0, ge=0, description="updates over which the learning rate rises from 0 to lr")
    optimiser: Literal["adam", "adamw", "muon"] = Field(
        "adam",
        description="'adam', as in the paper; 'adamw', whose weight decay is apart from the gradient; or 'muon' for "
        "the convolutions between the first and the last, whose updates it orthogonalises: deep networks without skip "
        "connections get as far in a third of the updates",
    )
    beta1: float = Field(0.9, ge=0, lt=1, description="Adam's decay of the mean gradient")
    beta2: float = Field(0.99, ge=0, lt=1, description="Adam's decay of the mean squared gradient")
    weight_decay: Weight = Field(
        0.0, description="share of each weight that an update takes away, in learning rates; of 'adamw' and 'muon'"
    )
    clip: Rate | None = Field(
        None,
        description="largest norm of all gradients together; longer ones are scaled down to it; no limit if not set",
    )
    ema: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="decay of an exponential moving average of the weights, 0.999 for example; the averaged weights "
        "are validated and kept; 0 keeps the last ones",
    )
    precision: Literal["float32", "bfloat16"] = Field(
        "float32",
        description="'bfloat16' runs networks in half the memory on GPUs that can (losses and weights stay float32); "
        "elsewhere they run in float32, and a notice says so",
    )
    validate_every: Count = Field(5000, description="updates between two validations")
    checkpoint_every: Count = Field(5000, description="updates between two checkpoints")

    @property
    def total(self) -> int:
        """Updates of the whole stage."""
        return self.iterations


NetworkLoss = Literal["l1", "charbonnier", "mse"]


class Phase(Options):
    """A further part of a stage, which goes on with the same network and optimiser.

    What it does not say is as in the stage; the learning rate runs on a cosine of its own.
    """

    iterations: Count = Field(description="optimiser updates of this part")
    sub_image: Count | None = Field(
        None, ge=8, description="side of a sub-image in degraded pixels; larger ones lie around the same places"
    )
    batch: Count | None = Field(None, description="sub-images in one update")
    lr: Rate | None = Field(None, description="learning rate at the start of this part")
    lr_final: float | None = Field(None, ge=0, description="learning rate at the end of this part")
    loss: NetworkLoss | None = Field(None, description="what is minimised")


class NetworkStage(StageOptions):
    """One network alone."""

    loss: NetworkLoss = Field(
        "l1",
        description="what is minimised: the mean 'l1' distance, as in the paper; 'charbonnier', a smooth form of it; "
        "or 'mse', the squared error, on which PSNR is defined and which lifts it at the end of a long training",
    )
    fft: Weight = Field(
        0.0, description="weight of a second term, the L1 distance of the amplitudes of the Fourier transforms"
    )
    ms_ssim: Weight = Field(
        0.0, description="weight of a further term, 1 - SSIM over several scales: structure rather than PSNR"
    )
    record: bool = Field(
        False,
        description="on a GPU, record the operations of an update once and replay them (a CUDA graph): several times "
        "as fast for small networks, which may not read values back while they run; elsewhere nothing changes",
    )
    reparameterise: bool = Field(
        False,
        description="train every plain 3x3 convolution as a wider linear block that is collapsed to one kernel in each "
        "update; the trained network is the plain one",
    )
    sub_image: int | None = Field(
        None,
        ge=8,
        description="side of a sub-image in degraded pixels, where it is not that of 'data'; larger ones lie around "
        "the same places",
    )
    phases: tuple[Phase, ...] = Field(
        (), description="parts that follow the stage's own iterations: larger sub-images or another loss at the end"
    )

    @property
    def total(self) -> int:
        """Updates of the stage with all its phases."""
        return sum(part.iterations for part in self.parts())

    def parts(self) -> tuple[Self, ...]:
        """The stage's own iterations and each phase, with all that a phase leaves to the stage filled in."""
        if not self.iterations:
            return ()
        own = {"phases": (), "warmup": 0}
        further = (self.model_copy(update=phase.model_dump(exclude_none=True) | own) for phase in self.phases)
        return self.model_copy(update={"phases": ()}), *further


class BaselineStage(NetworkStage):
    """The full network on all data: what the routed model is measured against."""

    iterations: int = Field(1_000_000, ge=0, description="optimiser updates; 0 trains no baseline")
    batch: Count = Field(16, description="sub-images in one update")
    lr: Rate = Field(1e-3, description="learning rate at the start")


class PretrainStage(NetworkStage):
    """Each branch alone, on the sub-images of its difficulty class."""

    iterations: int = Field(500_000, ge=0, description="optimiser updates of each branch")
    per_branch: tuple[Annotated[int, Field(ge=0)], ...] | None = Field(
        None,
        description="optimiser updates of each branch, cheapest first, where they differ: cheap ones take less time",
    )
    batch: Count = Field(16, description="sub-images in one update")
    lr: Rate = Field(1e-3, description="learning rate at the start")
    start: Literal["fresh", "baseline"] = Field(
        "fresh",
        description="'fresh' weights, as in the paper, or those channels of the 'baseline' that matter most, for "
        "branches of its family and depth",
    )
    distil: float = Field(
        0.0,
        ge=0,
        le=1,
        description="share of the loss that compares with the baseline's output instead of the clean sub-image",
    )
    own_class: bool = Field(True, description="train on the branch's difficulty class only, not on all data")

    def of_branch(self, number: int) -> PretrainStage:
        """The stage of one branch, counted from 0."""
        if self.per_branch is None:
            return self
        return self.model_copy(update={"iterations": self.per_branch[number], "per_branch": None})


class ClassModuleStage(StageOptions):
    """The Class-Module on all data with the branches frozen."""

    iterations: int = Field(200_000, ge=0, description="optimiser updates")
    batch: Count = Field(96, description="sub-images in one update")
    lr: Rate = Field(2e-4, description="learning rate at the start")
    pool: int = Field(
        0,
        ge=0,
        description="train on this many sub-images (in steps of 96) whose branch outputs are computed once and kept "
        "in memory, half precision; 0 runs every branch in every update, on all data with augmentation",
    )


class JointStage(StageOptions):
    """Class-Module and branches together."""

    iterations: int = Field(200_000, ge=0, description="optimiser updates")
    batch: Count = Field(96, description="sub-images in one update")
    lr: Rate = Field(2e-4, description="learning rate at the start")


class Stages(Options):
    """The training schedule, in the order in which it runs."""

    baseline: BaselineStage = Field(default_factory=BaselineStage, description="full network on all data")
    pretrain: PretrainStage = Field(default_factory=PretrainStage, description="each branch on its class")
    class_module: ClassModuleStage = Field(
        default_factory=ClassModuleStage, description="Class-Module, branches frozen"
    )
    joint: JointStage = Field(default_factory=JointStage, description="everything together")


class LossOptions(Options):
    """Weights of the three losses (paper eq. 2) and the shares that the Average-Loss aims at."""

    image: Weight = Field(2000.0, description="weight of the Image-Loss (L1)")
    class_: Weight = Field(1.0, alias="class", description="weight of the Class-Loss (paper eq. 3)")
    average: Weight = Field(6.0, description="weight of the Average-Loss (paper eq. 4)")
    target_shares: tuple[Annotated[float, Field(gt=0, lt=1)], ...] | None = Field(
        None,
        description="share of the batch each branch should get, cheapest first, sum 1; uniform if not set",
    )


class ClassModuleOptions(Options):
    """The shape of the Class-Module."""

    width: int = Field(128, ge=1, description="channels of its hidden layers; the paper's is 128")
    initialisation: Literal["contrast", "uniform"] = Field(
        "contrast",
        description="'contrast' starts with filters that sum to zero and so sees texture from the first update; "
        "'uniform' is torch's default, with which a short schedule does not decide",
    )
