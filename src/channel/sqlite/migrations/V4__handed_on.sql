-- How far a device may go: the numbers known when it became its register, and those from which its successor went on.

ALTER TABLE devices ADD COLUMN numbers TEXT NOT NULL DEFAULT '{"sequence":0,"receipt":0,"shift":0}'; -- JSON

ALTER TABLE devices ADD COLUMN handed_on TEXT;                                                        -- JSON; none while there is no successor

-- Whose token brought it; none for what stood here before that was kept.
ALTER TABLE set_aside ADD COLUMN brought_by TEXT;
