-- Between `queue.lua` and `add_jobs.lua`, where the jobs are of a Queue of BullMQ 6 and all have one name: that comes last of
-- all values.
name = ARGV[#ARGV]
