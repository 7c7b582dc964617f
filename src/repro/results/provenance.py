"""Where a result table comes from."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION: Final = 1
"""Version of the layout of tables and provenance files."""

Moment = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)$")]


class Hardware(BaseModel):
    """The machine that computed a table.

    Attributes
    ----------
    processor : str
        Model name of the processor.
    cores : int
        Cores that were available to the run.
    memory_gib : float
        Memory of the machine in GiB.
    gpu : str or None
        Model name of the accelerator, None when none was used.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    processor: str
    cores: int = Field(ge=1)
    memory_gib: float = Field(gt=0, allow_inf_nan=False)
    gpu: str | None = None


class EarlierRun(BaseModel):
    """A run whose cells a table keeps beside those of its last one.

    Attributes
    ----------
    commit, code_hash : str
        Of the code that computed them.
    hardware : Hardware
    cells : int
        How many cells of that run the table keeps.
    started, finished : str
        Moments of the first and the last cell of that run, ISO 8601 in UTC.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    commit: str
    code_hash: str
    hardware: Hardware
    cells: int = Field(ge=1)
    started: Moment
    finished: Moment


class Renewal(BaseModel):
    """Cells computed again with newer code came out as the table has them, so the table stands for that code too.

    Attributes
    ----------
    code_hash : str
        Hash that the table carried before.
    commit : str
        Commit of the newer code.
    versions : dict of str to str
        Libraries it ran with.
    python : str
        Version of Python.
    processor : str
        Model name of the processor.
    cells : list of str
        Cells that were computed again.
    kinds : int
        Kinds of cells among them; each kind of the table is there at least once.
    largest_difference : float
        Largest deviation from the table, as a share of 1 plus the value; 0 where all came out in the same bytes.
    tolerance : float
        Largest deviation that counted as equal; 0 where equal bytes were asked for.
    when : str
        Moment, ISO 8601 in UTC.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    code_hash: str
    commit: str
    versions: dict[str, str]
    python: str
    processor: str
    cells: list[str] = Field(min_length=1)
    kinds: int = Field(ge=1)
    largest_difference: float = Field(ge=0, allow_inf_nan=False)
    tolerance: float = Field(ge=0, allow_inf_nan=False)
    when: Moment


class Provenance(BaseModel):
    """Everything that is known about how a result table was computed.

    Attributes
    ----------
    schema_version : 1
        Layout of table and provenance.
    experiment : str
        Name of the experiment, ``<study>.<experiment>``.
    profile : str
        ``quick``, ``standard``, ``paper`` or ``control``.
    commit : str
        Git commit, with the suffix ``-dirty`` when the checkout had changes, or ``tree:`` and the code hash where
        there is no git.
    code_hash : str
        :func:`repro.ground.code.function_hash` of the code that the table stands for: that which computed it, or
        newer code that was found to give the same (`renewals`).
    versions : dict of str to str
        Library and version.
    python : str
        Version of Python.
    hardware : Hardware
        The machine.
    seeds : dict of str to int
        Name and root of each source of randomness.
    data : dict of str to str
        Name and checksum of each data set that was read.
    cells : int
        Number of cells behind the table.
    cells_declared : int or None
        Number of cells of the profile when the table was written; more than `cells` where some have not been run, None
        in tables of all cells.
    earlier : list of EarlierRun
        Runs before the last one whose cells the table keeps, oldest first. Commit, code, seeds and versions above are
        those of the last run; data, seconds, memory and moments those of all.
    renewals : list of Renewal
        When cells were computed again with newer code and came out equal, oldest first. Commit and versions above
        remain those of the code that computed the table.
    wall_seconds : float
        Sum over cells of their own computing time.
    peak_memory_mib : float
        Largest resident memory of a cell.
    started, finished : str
        Moments of the first and the last cell, ISO 8601 in UTC.
    claims : dict of str to str
        For each claim on this experiment the hash of its specification when the cells were computed;
        ``mixed`` when cells were computed under different ones.
    changed : dict of str to float
        In tables of control runs, for each control the share of values that it changes: of its cheapest cell, against
        the same cell without the control.
    table_sha256 : str
        Checksum of the bytes of the CSV file; filled in by :func:`repro.results.write_table`.
    rows : int
        Number of rows; filled in by :func:`repro.results.write_table`.
    columns : list of str
        Names of the columns, in order; filled in by :func:`repro.results.write_table`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = SCHEMA_VERSION
    experiment: str = Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")
    profile: Literal["quick", "standard", "paper", "control"]
    commit: str
    code_hash: str
    versions: dict[str, str]
    python: str
    hardware: Hardware
    seeds: dict[str, int]
    data: dict[str, str]
    cells: int = Field(ge=1)
    cells_declared: int | None = Field(None, ge=1)
    earlier: list[EarlierRun] = Field(default_factory=list)
    renewals: list[Renewal] = Field(default_factory=list)
    wall_seconds: float = Field(ge=0, allow_inf_nan=False)
    peak_memory_mib: float = Field(ge=0, allow_inf_nan=False)
    started: Moment
    finished: Moment
    claims: dict[str, str]
    changed: dict[str, Annotated[float, Field(ge=0, le=1)]] = Field(default_factory=dict)
    table_sha256: str = Field("", pattern=r"^([0-9a-f]{64})?$")
    rows: int = Field(0, ge=0)
    columns: list[str] = Field(default_factory=list)

    @property
    def partial(self) -> bool:
        """Whether cells that the profile declares have not been run."""
        return self.cells_declared is not None and self.cells_declared > self.cells
